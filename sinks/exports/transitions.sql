-- What: what was said of each stall, and when
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: said at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: said before it
-- Column token: the application, under a key of this export
-- Column hop: which hop of the policy
-- Column attempt: from 1
-- Column revision: counts the changes of this stall's verdict, from 1
-- Column kind: raised, escalated, cleared, recorded, revised or retracted
-- Column reason: of a retraction: in_time, end_unobserved, corrected or never_opened
-- Column level: of the limit
-- Column vendor: the party to which the application is attributed
-- Column kiosk: where it was begun
-- Column kiosk_municipality: where the kiosk stands
-- Column residence_municipality: where the applicant lives
-- Column holder: who has it during this hop
-- Column duty_basis: what obliges the holder: statute, contract or none
-- Column supervisor: who supervises the holder; none is an answer
-- Column entered_at: when the hop began
-- Column due_at: the limit of this level
-- Column closed_at: when the hop ended
-- Column at: when it was said
-- Column time: when it became true
-- Column policy_version: by which it was said
-- Column limit_rule: whose limits: default, or the name of an override
-- Order: at, hop, attempt, revision
SELECT token, hop, attempt, revision, kind, reason, level, vendor, kiosk, kiosk_municipality, residence_municipality, holder, duty_basis,
       supervisor, entered_at, due_at, closed_at, at, time, policy_version, limit_rule
FROM my_transitions
WHERE at >= {from:DateTime64(6, 'UTC')} AND at < {to:DateTime64(6, 'UTC')}
