-- What: what was held, as far as was known at an instant in the past
-- Parameter at DateTime64(6, 'UTC'): the instant
-- Column hop: where it stands
-- Column holder: who has it
-- Column level: the limit that had been said to be passed
-- Column people: applications
-- Column first_due_at: the earliest limit that had passed
-- Column retracted_since: of them, how many were found later not to have been held
-- Order: people DESC, hop, holder, level
SELECT held.1 AS hop, held.2 AS holder, held.3 AS level, uniqExact(held.4) AS people, min(held.5) AS first_due_at,
       uniqExactIf(held.4, last_kind = 'retracted') AS retracted_since
FROM
(
    SELECT argMaxIf(tuple(hop, holder, level, token, due_at, kind), revision, at <= {at:DateTime64(6, 'UTC')}) AS held,
           argMax(kind, revision) AS last_kind
    FROM my_transitions
    GROUP BY stall_id
    HAVING min(at) <= {at:DateTime64(6, 'UTC')}
)
WHERE held.6 IN ('raised', 'escalated', 'revised')
GROUP BY hop, holder, level
