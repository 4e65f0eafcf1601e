-- What: how much more often one vendor's hops are late than the others' (not: by how long), like with like: the same hop, in the same weeks, in towns of about the same number of applications
-- Parameter hop String: which hop of the policy: upload, forward, screening, correction, issuance, delivery, notice, pickup
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: entered at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: entered before it
-- Column vendor: the vendor
-- Column own: 1: all of it lies in the caller's municipalities
-- Column people: applications of which it is known; of a vendor with fewer than ten of them elsewhere, the caller's alone
-- Figure known: hops of which it is known whether they were in time
-- Figure late: of them, how many were late, or are open beyond their limit
-- Figure share: late / known
-- Figure compared: of those known, those of weeks and towns in which others can be compared with
-- Figure undetermined: hops of which it cannot be known, in none of the other figures
-- Figure ratio: how many times as often late as the others would be there (Mantel-Haenszel); null where there is nobody to compare with
-- Figure at_least: the lower end of the 95 % interval of that ratio (Greenland-Robins)
-- Figure at_most: its upper end
-- Order: ratio DESC NULLS LAST, vendor
WITH
by_town AS (
    SELECT vendor, own, week, town, uniqExactStateIf(application, is_known) AS who, countIf(is_known) AS told, countIf(beyond) AS beyond_limit,
           countIf(NOT is_known) AS unknown
    FROM
    (
        SELECT ifNull(vendor, '') AS vendor, own, application, toStartOfWeek(entered_at, 1, 'Asia/Tokyo') AS week, kiosk_municipality AS town,
               ifNull(beyond, 0) AS beyond, state IN ('in_time', 'late') OR beyond AS is_known
        FROM every_hop
        WHERE hop = {hop:String} AND (state IN ('in_time', 'late', 'undetermined') OR every_hop.beyond)
          AND entered_at >= {from:DateTime64(6, 'UTC')} AND entered_at < {to:DateTime64(6, 'UTC')}
    )
    GROUP BY vendor, own, week, town
),
cases AS (
    SELECT * FROM (SELECT *, uniqExactMergeIf(who, NOT own) OVER (PARTITION BY vendor) AS elsewhere FROM by_town)
    WHERE own OR elsewhere >= (SELECT people FROM least_people)
),
sized AS (SELECT *, if(town IS NULL, NULL, floor(2 * log10(uniqExactMerge(who) OVER (PARTITION BY town)))) AS size FROM cases),
strata AS (
    SELECT vendor, week, size, min(own) AS all_own, uniqExactMergeState(who) AS whose, sum(beyond_limit) AS a, sum(told) AS n1, sum(unknown) AS unknowable,
           sum(a) OVER (PARTITION BY week, size) - a AS c, sum(n1) OVER (PARTITION BY week, size) - n1 AS n0, n1 + n0 AS n
    FROM sized
    GROUP BY vendor, week, size
),
compared AS (
    SELECT vendor, min(all_own) AS own, uniqExactMerge(whose) AS people, sum(n1) AS known, sum(a) AS late, sum(unknowable) AS undetermined, sumIf(n1, n0 > 0) AS compared,
           sumIf(a * n0 / n, n0 > 0) AS here, sumIf(c * n1 / n, n0 > 0) AS there,
           sqrt(sumIf(((a + c) * n1 * n0 - a * c * n) / pow(n, 2), n0 > 0) / (here * there)) AS spread
    FROM strata
    GROUP BY vendor
)
SELECT
    vendor, own, people, known, late, if(known = 0, NULL, round(late / known, 4)) AS share, compared, undetermined,
    round(if(there > 0, here / there, NULL), 2) AS ratio,
    round(if(here > 0, ratio * exp(-1.96 * spread), NULL), 2) AS at_least,
    round(if(here > 0, ratio * exp(1.96 * spread), NULL), 2) AS at_most
FROM compared
