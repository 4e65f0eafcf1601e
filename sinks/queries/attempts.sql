-- What: how often applications are returned and begun again, and how far each attempt comes
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: applications that began at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: and before this one
-- Column attempt: from 1; each resubmission begins one
-- Column hop: the hop
-- Column people: applications that came to this hop in this attempt
-- Column of_first: their share of all applications
-- Column ended: whose hop ended, as was observed
-- Column open: where it is open
-- Column undetermined: whose end was not observed
-- Order: attempt, people DESC, hop
SELECT
    attempt,
    hop,
    uniqExact(application) AS people,
    round(people / uniqExactMerge(uniqExactState(application)) OVER (), 4) AS of_first,
    uniqExactIf(application, state IN ('in_time', 'late')) AS ended,
    uniqExactIf(application, state = 'open') AS open,
    uniqExactIf(application, state = 'undetermined') AS undetermined
FROM my_hops
WHERE state != 'void' AND begun_at >= {from:DateTime64(6, 'UTC')} AND begun_at < {to:DateTime64(6, 'UTC')} AND entered_at >= {from:DateTime64(6, 'UTC')}
GROUP BY attempt, hop
