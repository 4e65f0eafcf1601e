-- What: how many applications began, came to an end, were returned, and were held, in a stretch of time
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: from this instant on
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: before this one
-- Column begun: applications whose first hop was entered then
-- Column returned: applications of which a further attempt was begun then
-- Column held: applications that were beyond a limit then
-- Column held_still: of them, those that are so still
-- Column undetermined: applications of which the end of a hop entered then was not observed
-- Column read_to: up to when history has been read
-- Order: begun
SELECT
    uniqExactIf(application, attempt = 1 AND begun_at >= {from:DateTime64(6, 'UTC')} AND begun_at < {to:DateTime64(6, 'UTC')}) AS begun,
    uniqExactIf(application, attempt > 1 AND inside) AS returned,
    uniqExactIf(application, held_then) AS held,
    uniqExactIf(application, held_then AND state = 'open') AS held_still,
    uniqExactIf(application, state = 'undetermined' AND inside) AS undetermined,
    (SELECT instant FROM read_to) AS read_to
FROM
(
    SELECT application, attempt, state, begun_at, entered_at >= {from:DateTime64(6, 'UTC')} AS inside, beyond AND left_at >= {from:DateTime64(6, 'UTC')} AS held_then
    FROM my_hops
    WHERE state != 'void' AND entered_at < {to:DateTime64(6, 'UTC')} AND until_day >= toDate32({from:DateTime64(6, 'UTC')})
)
