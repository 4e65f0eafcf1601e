-- What: everything about one application, in order: what was said about it, and what was said of its stalls
-- Parameter token String: the application's token, 64 hex digits, as `find` tells; never the application's own id
-- Fits token: [0-9a-f]{64}
-- Column at: when it happened
-- Column known_at: when it was known here
-- Column what: the event, or what was said of a stall
-- Column who: who said it; for a stall, who holds
-- Column where: the kiosk of an event; the hop of a stall
-- Order: at, known_at, what
SELECT ifNull(time, received) AS at, received AS known_at, toString(type) AS what, toString(speaker) AS who, ifNull(toString(kiosk), '') AS where
FROM my_events
WHERE token = {token:String}
UNION ALL
SELECT time AS at, my_transitions.at AS known_at, concat(kind, ' ', level) AS what, toString(holder) AS who, toString(hop) AS where
FROM my_transitions
WHERE token = {token:String}
