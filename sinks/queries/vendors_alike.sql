-- What: how much more often one vendor's hops are late than the others' (not: by how long), like with like: the same hop, in the same weeks, in towns of about the same number of applications
-- Parameter hop String: which hop of the policy: upload, forward, screening, correction, issuance, delivery, notice, pickup
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: entered at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: entered before it
-- Column vendor: the vendor
-- Column own: 1: all of it lies in the caller's municipalities
-- Column people: applications; of a vendor with fewer than ten of them elsewhere, the caller's alone
-- Figure known: hops of which it is known whether they were in time
-- Figure late: of them, how many were late, or are open beyond their limit
-- Figure share: late / known
-- Figure compared: of those known, those of weeks and towns in which others can be compared with
-- Figure ratio: how many times as often late as the others would be there (Mantel-Haenszel); null where there is nobody to compare with
-- Figure at_least: the lower end of the 95 % interval of that ratio (Greenland-Robins)
-- Figure at_most: its upper end
-- Order: ratio DESC NULLS LAST, vendor
WITH
all_cases AS (
    SELECT
        ifNull(vendor, '') AS vendor,
        own,
        application,
        toStartOfWeek(entered_at, 1, 'Asia/Tokyo') AS week,
        kiosk_municipality AS town,
        beyond
    FROM every_hop
    WHERE hop = {hop:String} AND (state IN ('in_time', 'late') OR beyond)
      AND entered_at >= {from:DateTime64(6, 'UTC')} AND entered_at < {to:DateTime64(6, 'UTC')}
),
enough AS (SELECT vendor FROM all_cases WHERE NOT own GROUP BY vendor HAVING uniqExact(application) >= (SELECT people FROM least_people)),
cases AS (SELECT * FROM all_cases WHERE own OR vendor IN (SELECT vendor FROM enough)),
towns AS (SELECT town, floor(2 * log10(uniqExact(application))) AS size FROM cases GROUP BY town),
strata AS (
    SELECT vendor, week, size, countIf(beyond) AS a, count() AS n1,
           sum(a) OVER (PARTITION BY week, size) - a AS c, sum(n1) OVER (PARTITION BY week, size) - n1 AS n0, n1 + n0 AS n
    FROM cases
    LEFT JOIN towns USING (town)
    GROUP BY vendor, week, size
),
compared AS (
    SELECT vendor, sum(n1) AS compared, sum(a * n0 / n) AS here, sum(c * n1 / n) AS there,
           sqrt(sum(((a + c) * n1 * n0 - a * c * n) / pow(n, 2)) / (here * there)) AS spread
    FROM strata
    WHERE n0 > 0
    GROUP BY vendor
),
counts AS (
    SELECT vendor, min(own) AS own, uniqExact(application) AS people, count() AS known, countIf(beyond) AS late FROM cases GROUP BY vendor
)
SELECT
    vendor, own, people, known, late, round(late / known, 4) AS share, ifNull(compared, 0) AS compared,
    round(if(there > 0, here / there, NULL), 2) AS ratio,
    round(if(here > 0, ratio * exp(-1.96 * spread), NULL), 2) AS at_least,
    round(if(here > 0, ratio * exp(1.96 * spread), NULL), 2) AS at_most
FROM counts
LEFT JOIN compared USING (vendor)
SETTINGS join_use_nulls = 1
