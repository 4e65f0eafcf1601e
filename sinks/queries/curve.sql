-- What: how soon a hop would be noticed, and how often in error, were its limits so many times as long (`tairyu curve` judges first)
-- Parameter hop String: which hop of the policy
-- Parameter run String = : of which run; empty: the newest that is whole
-- Column factor: by which the limits are multiplied; 1: as they are
-- Column applications: that came to this hop
-- Column alarms: hops of which it would have been said that they are held
-- Column right: of them, held beyond the first limit of factor 1: closed after it, or open beyond it
-- Column wrong: of them, not so: closed within that limit, or void
-- Column undecided: of them, neither can be known: the end was not observed, or that limit has not passed yet
-- Column missed: held beyond that limit, and never said to be while it was so
-- Column alarms_per_1000: alarms for each 1,000 applications
-- Column wrong_share: wrong / (right + wrong)
-- Column median_h: half of the right alarms came no later after the hop began
-- Column p90_h: nine of ten of them
-- Column median_after_h: half of them came no later after the first limit of factor 1; before it: less than 0
-- Column p90_after_h: nine of ten of them
-- Order: factor
WITH
chosen AS (SELECT * FROM my_curve WHERE hop = {hop:String} AND (run = {run:String} OR ({run:String} = '' AND newest))),
truths AS (
    SELECT token, attempt, due_at AS limit_at,
           multiIf(state = 'late' OR (state = 'open' AND ifNull(due_at < known_to, 0)), 'held', state IN ('in_time', 'void'), 'fine', 'unknown') AS truth
    FROM chosen
    WHERE factor = 1
),
judged AS (
    SELECT factor, token, raised_at IS NOT NULL AS alarm, truth, state,
           dateDiff('second', entered_at, raised_at) / 3600 AS after_h, dateDiff('second', limit_at, raised_at) / 3600 AS after_limit_h
    FROM chosen
    INNER JOIN truths USING (token, attempt)
)
SELECT
    factor,
    uniqExactIf(token, state != 'void') AS applications,
    countIf(alarm) AS alarms,
    countIf(alarm AND truth = 'held') AS right,
    countIf(alarm AND truth = 'fine') AS wrong,
    countIf(alarm AND truth = 'unknown') AS undecided,
    countIf(NOT alarm AND truth = 'held') AS missed,
    if(applications = 0, NULL, round(1000 * alarms / applications, 1)) AS alarms_per_1000,
    if(right + wrong = 0, NULL, round(wrong / (right + wrong), 4)) AS wrong_share,
    if(right = 0, NULL, round(quantileExactIf(0.5)(after_h, alarm AND truth = 'held'), 2)) AS median_h,
    if(right = 0, NULL, round(quantileExactIf(0.9)(after_h, alarm AND truth = 'held'), 2)) AS p90_h,
    if(right = 0, NULL, round(quantileExactIf(0.5)(after_limit_h, alarm AND truth = 'held'), 2)) AS median_after_h,
    if(right = 0, NULL, round(quantileExactIf(0.9)(after_limit_h, alarm AND truth = 'held'), 2)) AS p90_after_h
FROM judged
GROUP BY factor
