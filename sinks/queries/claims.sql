-- What: a vendor's word that it has sent applications, and whether it was borne out
-- Parameter vendor String: whose word
-- Parameter claimed String = application.forwarded: the event by which it says so
-- Parameter received String = application.received: the event that bears it out
-- Parameter within_h UInt32 = 24: hours within which it has to
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: said of an instant at or after this one; nothing is looked at that arrived over 31 days before it
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: and before this one
-- Column token: the application
-- Column claimed_at: when, by its word, it was sent first
-- Column came_at: when it was received first; null: it was not
-- Column became: borne_out, not_borne_out, or pending: the time is not over
-- Order: became = 'not_borne_out' DESC, claimed_at, token
SELECT
    token,
    claimed_at,
    if(come = 0, NULL, came) AS came_at,
    multiIf(come > 0 AND came <= claimed_at + toIntervalHour({within_h:UInt32}), 'borne_out',
            claimed_at + toIntervalHour({within_h:UInt32}) < (SELECT instant FROM read_to), 'not_borne_out', 'pending') AS became
FROM
(
    SELECT token, countIf(is_claim) AS claims, minIf(at, is_claim) AS claimed_at, countIf(NOT is_claim) AS come, minIf(at, NOT is_claim) AS came
    FROM
    (
        SELECT token, type = {claimed:String} AND speaker = {vendor:String} AS is_claim, ifNull(time, received) AS at
        FROM my_events
        WHERE type IN ({claimed:String}, {received:String}) AND (is_claim OR type = {received:String}) AND cut_at >= {from:DateTime64(6, 'UTC')} - toIntervalDay(31)
    )
    GROUP BY token
)
WHERE claims > 0 AND claimed_at >= {from:DateTime64(6, 'UTC')} AND claimed_at < {to:DateTime64(6, 'UTC')}
