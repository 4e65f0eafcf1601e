-- What: what was held, as far as was known at an instant in the past
-- Parameter at DateTime64(6, 'UTC'): the instant; a day is its beginning
-- Parameter hop String = : only this hop; empty: all
-- Parameter vendor String = : only of this vendor's kiosks; empty: all
-- Parameter kiosk String = : only of this kiosk; empty: all
-- Column hop: where it stands
-- Column holder: who has it
-- Column level: the limit that had been said to be passed
-- Column people: applications
-- Column first_due_at: the earliest limit that had passed
-- Column retracted_since: of them, of how many it was taken back later: they were in time, or it cannot be known (`stall_days` tells when)
-- Order: people DESC, hop, holder, level
SELECT held.1 AS hop, held.2 AS holder, held.3 AS level, uniqExact(held.4) AS people, min(held.5) AS first_due_at,
       uniqExactIf(held.4, last_kind = 'retracted') AS retracted_since
FROM
(
    SELECT argMaxIf(tuple(hop, holder, level, token, due_at, kind), revision, at <= {at:DateTime64(6, 'UTC')}) AS held,
           argMax(kind, revision) AS last_kind
    FROM my_transitions
    WHERE {hop:String} IN ('', hop) AND {vendor:String} IN ('', ifNull(vendor, '')) AND {kiosk:String} IN ('', ifNull(kiosk, ''))
    GROUP BY stall_id
    HAVING min(at) <= {at:DateTime64(6, 'UTC')}
)
WHERE held.6 IN ('raised', 'escalated', 'revised')
GROUP BY hop, holder, level
