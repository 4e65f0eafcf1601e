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
SELECT
    toStartOfHour(step.1) AS hour,
    hop,
    holder,
    countIf(step.2 > 0) AS came,
    countIf(step.2 < 0) AS went,
    sum(sum(step.2)) OVER (PARTITION BY hop, holder ORDER BY hour) AS open
FROM
(
    SELECT hop, holder,
           arrayJoin(arrayConcat([(greatest(entered_at, {from:DateTime64(6, 'UTC')}), 1)],
                                 if(closed_at < {to:DateTime64(6, 'UTC')}, [(assumeNotNull(closed_at), -1)], []))) AS step
    FROM my_hops
    WHERE {hop:String} IN ('', hop) AND {vendor:String} IN ('', ifNull(vendor, '')) AND state IN ('open', 'in_time', 'late') AND entered_at < {to:DateTime64(6, 'UTC')}
      AND until_day >= toDate32({from:DateTime64(6, 'UTC')}) AND (state = 'open' OR closed_at >= {from:DateTime64(6, 'UTC')})
)
GROUP BY hour, hop, holder
