-- What: how long a hop takes, by vendor, kiosk or town, with what is still open counted in (Kaplan-Meier)
-- Parameter hop String: which hop of the policy: upload, forward, screening, correction, issuance, delivery, notice, pickup
-- Parameter by String = vendor: vendor, kiosk, kiosk_municipality, residence_municipality, holder, or all
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: entered at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: entered before it
-- Fits by: vendor|kiosk|kiosk_municipality|residence_municipality|holder|all
-- Column by_value: of the dimension asked for
-- Column own: 1: of the caller's municipalities
-- Column people: applications
-- Figure closed: hops whose end was observed
-- Figure open: hops that are open still: they took at least as long as they have been
-- Figure undetermined: hops whose end was not observed: in none of the figures that follow
-- Figure naive_median_h: half of those that have ended took no longer: the figure that slow holders look best by
-- Figure median_h: half of all take no longer; null while too many are open to tell
-- Figure naive_p90_h: nine of ten of those that have ended
-- Figure p90_h: nine of ten of all; null while too many are open to tell
-- Figure late_share: of those of which it is known
-- Order: own DESC, median_h DESC NULLS FIRST, by_value
WITH
cases AS (
    SELECT
        own,
        multiIf({by:String} = 'vendor', vendor, {by:String} = 'kiosk', kiosk, {by:String} = 'kiosk_municipality', kiosk_municipality,
                {by:String} = 'residence_municipality', residence_municipality, {by:String} = 'holder', holder, 'all') AS by_value,
        application,
        state,
        closed_at IS NOT NULL AS ended,
        dateDiff('second', entered_at, left_at) / 3600 AS hours,
        beyond
    FROM every_hop
    WHERE hop = {hop:String} AND state != 'void' AND entered_at >= {from:DateTime64(6, 'UTC')} AND entered_at < {to:DateTime64(6, 'UTC')}
),
steps AS (
    SELECT own, by_value, hours, countIf(ended) AS ends,
           sum(count()) OVER (PARTITION BY own, by_value ORDER BY hours DESC) AS at_risk
    FROM cases
    WHERE state != 'undetermined'
    GROUP BY own, by_value, hours
),
curve AS (
    SELECT own, by_value, hours, exp(sum(log(1 - ends / at_risk)) OVER (PARTITION BY own, by_value ORDER BY hours)) AS left_over
    FROM steps
),
estimates AS (
    SELECT own, by_value,
           if(min(left_over) <= 0.5 + 1e-9, minIf(hours, left_over <= 0.5 + 1e-9), NULL) AS median_h,
           if(min(left_over) <= 0.1 + 1e-9, minIf(hours, left_over <= 0.1 + 1e-9), NULL) AS p90_h
    FROM curve
    GROUP BY own, by_value
),
counts AS (
    SELECT own, by_value, uniqExact(application) AS people,
           countIf(ended AND state != 'undetermined') AS closed, countIf(state = 'open') AS open, countIf(state = 'undetermined') AS undetermined,
           quantileExactIf(0.5)(hours, ended) AS naive_median_h, quantileExactIf(0.9)(hours, ended) AS naive_p90_h,
           countIf(beyond) / nullIf(countIf(state IN ('in_time', 'late') OR beyond), 0) AS late_share
    FROM cases
    GROUP BY own, by_value
)
SELECT own, by_value, people, closed, open, undetermined,
       if(closed = 0, NULL, round(naive_median_h, 2)) AS naive_median_h, round(median_h, 2) AS median_h,
       if(closed = 0, NULL, round(naive_p90_h, 2)) AS naive_p90_h, round(p90_h, 2) AS p90_h, round(late_share, 4) AS late_share
FROM counts
LEFT JOIN estimates USING (own, by_value)
SETTINGS join_use_nulls = 1
