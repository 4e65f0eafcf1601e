-- What: a vendor's word that it has sent applications, and whether it was borne out
-- Parameter vendor String: whose word
-- Parameter claimed String = application.forwarded: the event by which it says so
-- Parameter received String = application.received: the event that bears it out
-- Parameter within_h UInt32 = 24: hours within which it has to
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: said of an instant at or after this one; what arrived over a day before it does not count
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: and before this one
-- Column token: the application
-- Column claimed_at: when, by its word, it was sent first
-- Column came_at: when it was received first; null: it was not
-- Column became: borne_out, not_borne_out, or pending: the time is not over
-- Order: became = 'not_borne_out' DESC, claimed_at, token
SELECT claim.token AS token, claimed_at, came_at,
       multiIf(isNotNull(came_at) AND came_at <= claimed_at + toIntervalHour({within_h:UInt32}), 'borne_out',
               claimed_at + toIntervalHour({within_h:UInt32}) < (SELECT instant FROM read_to), 'not_borne_out', 'pending') AS became
FROM (SELECT token, min(ifNull(time, received)) AS claimed_at FROM my_events
      WHERE type = {claimed:String} AND speaker = {vendor:String} AND cut_at >= {from:DateTime64(6, 'UTC')} - toIntervalDay(1) GROUP BY token) AS claim
LEFT JOIN (SELECT token, toNullable(min(ifNull(time, received))) AS came_at FROM my_events
           WHERE type = {received:String} AND cut_at >= {from:DateTime64(6, 'UTC')} - toIntervalDay(1) GROUP BY token) AS came
    ON claim.token = came.token
WHERE claimed_at >= {from:DateTime64(6, 'UTC')} AND claimed_at < {to:DateTime64(6, 'UTC')}
SETTINGS join_use_nulls = 1
