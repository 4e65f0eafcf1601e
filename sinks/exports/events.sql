-- What: events, as their sources said them, of applications that have a hop
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: arrived at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: arrived before it
-- Column event: the event's identity, under a key of this export
-- Column token: the application, under a key of this export
-- Column type: without the prefix jp.tairyu.
-- Column speaker: the party that said it
-- Column role: its role in the policy
-- Column time: when it happened, as claimed; where the claim is no instant, when it arrived
-- Column received: when it arrived
-- Column kiosk: as the event says
-- Column kiosk_municipality: where the kiosk stands
-- Column residence_municipality: where the applicant lives
-- Column batch: in which it was sent, under a key of this export
-- Order: time, type, received
SELECT concat(source, ' ', event_id) AS event, token, type, speaker, role, ifNull(my_events.time, received) AS time, received, kiosk,
       kiosk_municipality, residence_municipality, batch
FROM my_events
WHERE received >= {from:DateTime64(6, 'UTC')} AND received < {to:DateTime64(6, 'UTC')}
