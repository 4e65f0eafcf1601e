-- What: hops, as last judged
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: entered at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: entered before it
-- Column token: the application, under a key of this export
-- Column hop: which hop of the policy
-- Column attempt: from 1
-- Column vendor: the party to which the application is attributed
-- Column kiosk: where it was begun
-- Column kiosk_municipality: where the kiosk stands
-- Column residence_municipality: where the applicant lives
-- Column holder: who has it during this hop
-- Column duty_basis: what obliges the holder: statute, contract or none
-- Column supervisor: who supervises the holder; none is an answer
-- Column state: open, in_time, late, undetermined or void
-- Column level: late: the highest limit passed; open: the level last said
-- Column entered_at: when it began
-- Column due_at: the first limit
-- Column closed_at: when it ended
-- Column closed_before: a later milestone's time, where the end was never observed
-- Column rule: whose limits: default, or the name of an override
-- Column policy_version: by which it is judged
-- Order: entered_at, hop, attempt
SELECT token, hop, attempt, vendor, kiosk, kiosk_municipality, residence_municipality, holder, duty_basis, supervisor, state, level,
       entered_at, due_at, closed_at, closed_before, rule, policy_version
FROM my_hops
WHERE entered_at >= {from:DateTime64(6, 'UTC')} AND entered_at < {to:DateTime64(6, 'UTC')}
