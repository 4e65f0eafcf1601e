-- What: how much was open at each hour, by hop and holder; an hour in which nothing came or went has no row
-- Parameter hop String = : only this hop; empty: all
-- Parameter vendor String = : only of this vendor's kiosks; empty: all
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: from this instant on; what is open then counts as come
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: before this one
-- Column hour: its beginning, UTC
-- Column hop: the hop; those whose end was not observed are left out, as until when they were open is not known: so there were more
-- Column holder: the role of who has them
-- Column came: hops that began in this hour
-- Column went: hops that ended in it
-- Column open: hops that are open at its end
-- Order: hour, hop, holder
WITH
known AS (
    SELECT hop, holder, entered_at, closed_at FROM my_hops
    WHERE {hop:String} IN ('', hop) AND {vendor:String} IN ('', ifNull(vendor, '')) AND state IN ('open', 'in_time', 'late') AND entered_at < {to:DateTime64(6, 'UTC')}
      AND (closed_at IS NULL OR closed_at >= {from:DateTime64(6, 'UTC')})
),
steps AS (
    SELECT hop, holder, greatest(entered_at, {from:DateTime64(6, 'UTC')}) AS at, 1 AS more FROM known
    UNION ALL
    SELECT hop, holder, assumeNotNull(closed_at) AS at, -1 AS more FROM known WHERE closed_at < {to:DateTime64(6, 'UTC')}
)
SELECT
    toStartOfHour(at) AS hour,
    hop,
    holder,
    countIf(more > 0) AS came,
    countIf(more < 0) AS went,
    sum(sum(more)) OVER (PARTITION BY hop, holder ORDER BY hour) AS open
FROM steps
GROUP BY hour, hop, holder
