-- What: what can be measured of each vendor, by the published criteria (docs/scorecard.md), and where nothing can be said
-- Parameter vendor String = : only this one, with the hops that it has or `register` names; empty: all
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: what began at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: and before this one
-- Parameter holder String = vendor: the role that is measured
-- Parameter register String = {}: JSON, what files say of the vendors: vendors, hops, inspections; `tairyu scorecard` fills it in
-- Parameter least UInt32 = 20: cases from which a share or a median is said
-- Parameter least_p90 UInt32 = 50: cases from which it is said how long nine of ten take
-- Parameter least_looks UInt32 = 100: looks at a feed from which its share is said
-- Parameter doubtful_most Float64 = 0.05: with a larger share of undetermined hops nothing is said of a hop
-- Parameter unread_most Float64 = 0.05: with a larger share of looks at which a feed was unread or behind, nothing is said of any hop
-- Parameter behind_s UInt32 = 600: seconds from which a feed counts as behind
-- Parameter claimed String = application.forwarded: the vendor's word that it has sent an application, the first of what arrived later than 31 days before `from`; empty: the procedure has none
-- Parameter received String = application.received: the event that bears it out
-- Parameter within_h UInt32 = 24: hours within which it has to
-- Column vendor: whose card it is
-- Column criterion: what is measured
-- Column hop: of which hop; empty: of the vendor as a whole
-- Column unit: share, h, days or result (1: passed)
-- Column better: more or less of it
-- Column state: measured or unknown
-- Column why: why unknown: feed (not read well enough), few (cases), undetermined (too many), open (too many to tell), never or overdue (inspections)
-- Column value: null if unknown
-- Column at_least: of a share, the lower end of its 95 % interval (Wilson)
-- Column at_most: its upper end
-- Column hits: cases in the vendor's favour, also where the criterion is unknown; null where there is nothing to count so
-- Column cases: all that were counted
-- Column undetermined: of them, those of which it cannot be known: never in the vendor's favour
-- Column least: cases below which nothing is said
-- Column evidence: the named query that lists the cases; empty: a file (the party's own entry) does
-- Column evidence_parameters: and with which parameters; what is left out is as if not given
-- Order: vendor, place, hop
WITH
(hits, n) -> (hits / n + 1.9208 / n - 1.96 * sqrt(hits / n * (1 - hits / n) / n + 0.9604 / pow(n, 2))) / (1 + 3.8416 / n) AS lower_end,
(hits, n) -> (hits / n + 1.9208 / n + 1.96 * sqrt(hits / n * (1 - hits / n) / n + 0.9604 / pow(n, 2))) / (1 + 3.8416 / n) AS upper_end,
instant -> if(toYear(instant) IN (1970, 2299), '', concat(replaceOne(replaceOne(toString(instant), ' ', 'T'), '.000000', ''), 'Z')) AS told,
JSONExtract({register:String}, 'vendors', 'Array(String)') AS known_vendors,
JSONExtract({register:String}, 'hops', 'Array(String)') AS known_hops,
JSONExtract({register:String}, 'inspections', 'Array(Tuple(vendor String, kind String, day String, valid_until String, result String))') AS inspected,
steps AS (
    SELECT party, hop, hours, count() AS n, countIf(state = 'in_time') AS in_time, countIf(state = 'late') AS late, countIf(doubtful) AS doubtful,
           countIf(state = 'open' AND beyond) AS held, countIf(odd) AS odd, countIf(state != 'open') AS ends,
           sum(count()) OVER (PARTITION BY party, hop ORDER BY hours DESC) AS at_risk
    FROM
    (
        SELECT
            toString(assumeNotNull(my_hops.vendor)) AS party, toString(my_hops.hop) AS hop, state, state = 'undetermined' AS doubtful,
            ifNull(my_hops.beyond, 0) AS beyond, hasAny(flags, ['conflict', 'time_replaced', 'two_vendors', 'reversed']) AS odd,
            greatest(dateDiff('second', entered_at, coalesce(closed_at, closed_before, left_at)) / 3600, 0) AS hours
        FROM my_hops
        WHERE holder = {holder:String} AND state != 'void' AND my_hops.vendor IS NOT NULL
          AND entered_at >= {from:DateTime64(6, 'UTC')} AND entered_at < {to:DateTime64(6, 'UTC')} AND {vendor:String} IN ('', my_hops.vendor)
    )
    GROUP BY party, hop, hours
),
curve AS (SELECT *, exp(sum(log(1 - ends / at_risk)) OVER (PARTITION BY party, hop ORDER BY hours)) AS left_over FROM steps),
(
    SELECT groupArray((party, hop, n, in_time, late, doubtful, held, odd, longest, median, p90))
    FROM
    (
        SELECT party, hop, sum(n) AS n, sum(in_time) AS in_time, sum(late) AS late, sum(doubtful) AS doubtful, sum(held) AS held, sum(odd) AS odd,
               max(hours) / 24 AS longest, if(min(left_over) <= 0.5 + 1e-9, minIf(hours, left_over <= 0.5 + 1e-9), NULL) AS median,
               if(min(left_over) <= 0.1 + 1e-9, minIf(hours, left_over <= 0.1 + 1e-9), NULL) AS p90
        FROM curve
        GROUP BY party, hop
    )
) AS counted,
counts AS (
    SELECT each.1 AS party, each.2 AS hop, each.3 AS n, each.4 AS in_time, each.5 AS late, each.6 AS doubtful, each.7 AS held, each.8 AS odd,
           each.9 AS longest, each.10 AS median, each.11 AS p90
    FROM (SELECT arrayJoin(counted) AS each)
),
looks AS (
    SELECT ifNull(toString(feeds_read.vendor), '') AS party, feed, at,
           countIf(ifNull(dateDiff('second', through, at) <= {behind_s:UInt32}, 0)) = count() AS well
    FROM feeds_read
    WHERE at >= {from:DateTime64(6, 'UTC')} AND at < {to:DateTime64(6, 'UTC')}
    GROUP BY party, feed, at
),
(SELECT groupArray((party, feed, looked, well)) FROM (SELECT party, feed, count() AS looked, countIf(well) AS well FROM looks GROUP BY party, feed)) AS looked_at,
feeds AS (
    SELECT each.1 AS party, sum(each.3) AS looked, sum(each.4) AS well, well / looked AS share
    FROM (SELECT arrayJoin(looked_at) AS each)
    GROUP BY party
),
arrayMap(each -> each.4 / each.3, arrayFilter(each -> each.1 = '', looked_at)) AS shared_by_several,
if(empty(shared_by_several), 0, arrayMin(shared_by_several)) AS shared,
(SELECT groupUniqArray(ifNull(toString(vendor), '')) FROM feeds_read) AS feeding,
everybody AS (
    SELECT arrayJoin(arrayFilter(each -> each != '' AND {vendor:String} IN ('', each),
                                 arrayDistinct(arrayConcat(known_vendors, arrayMap(each -> each.1, counted), feeding)))) AS party
),
judged AS (SELECT arrayJoin(arrayDistinct(arrayConcat(known_hops, arrayMap(each -> each.2, counted)))) AS hop),
claims AS (
    SELECT claim.1 AS party, claim.2 AS claimed_at,
           multiIf(come > 0 AND came <= claimed_at + toIntervalHour({within_h:UInt32}), 'borne_out',
                   claimed_at + toIntervalHour({within_h:UInt32}) < (SELECT instant FROM read_to), 'not_borne_out', 'pending') AS became
    FROM
    (
        SELECT arrayJoin(CAST(minMapIf(map(party, at), is_claim), 'Array(Tuple(String, DateTime64(6, \'UTC\')))')) AS claim, countIf(NOT is_claim) AS come, minIf(at, NOT is_claim) AS came
        FROM
        (
            SELECT token, toString(speaker) AS party, type = {claimed:String} AS is_claim, ifNull(time, received) AS at
            FROM my_events
            WHERE type IN ({claimed:String}, {received:String}) AND cut_at >= {from:DateTime64(6, 'UTC')} - toIntervalDay(31)
        )
        GROUP BY token
    )
    WHERE claimed_at >= {from:DateTime64(6, 'UTC')} AND claimed_at < {to:DateTime64(6, 'UTC')} AND {vendor:String} IN ('', party)
),
borne_out AS (
    SELECT party, countIf(became = 'borne_out') AS borne_out, countIf(became != 'pending') AS claimed FROM claims GROUP BY party
),
inspections AS (
    SELECT entry.vendor AS party, entry.kind AS kind, argMax(entry.result, entry.day) AS result, argMax(entry.valid_until, entry.day) AS valid_until
    FROM (SELECT arrayJoin(inspected) AS entry, least((SELECT instant FROM read_to), {to:DateTime64(6, 'UTC')}) AS as_of)
    WHERE entry.day <= toString(toDate(as_of, 'Asia/Tokyo'))
    GROUP BY party, kind
),
measures AS (
    SELECT party, hop, m.1 AS place, m.2 AS criterion, m.3 AS unit, m.4 AS better, m.5 AS figure, m.6 AS hits, m.7 AS cases,
           m.8 AS undetermined, m.9 AS least, 'scorecard_cases' AS evidence,
           multiIf(NOT covered, 'feed', cases < least, 'few', undetermined > {doubtful_most:Float64} * cases AND criterion != 'observed', 'undetermined',
                   unit = 'h' AND isNull(figure), 'open', '') AS why
    FROM
    (
        SELECT grid.party AS party, grid.hop AS hop,
               ifNull(feeds.share, 0) >= 1 - {unread_most:Float64} AND shared >= 1 - {unread_most:Float64} AS covered,
               arrayJoin([
                   (2, 'in_time', 'share', 'more', c_in_time / c_known, toNullable(c_in_time), c_known, c_doubtful, {least:UInt32}),
                   (3, 'observed', 'share', 'more', c_ended / (c_ended + c_doubtful), toNullable(c_ended), c_ended + c_doubtful, c_doubtful, {least:UInt32}),
                   (4, 'not_held', 'share', 'more', (c_n - c_held) / c_n, toNullable(c_n - c_held), c_n, 0, {least:UInt32}),
                   (5, 'median_h', 'h', 'less', counts.median, NULL, c_n, c_doubtful, {least:UInt32}),
                   (6, 'p90_h', 'h', 'less', counts.p90, NULL, c_n, c_doubtful, {least_p90:UInt32}),
                   (7, 'longest_days', 'days', 'less', toFloat64(counts.longest), NULL, c_n, c_doubtful, toUInt32(1)),
                   (8, 'consistent', 'share', 'more', (c_n - c_odd) / c_n, toNullable(c_n - c_odd), c_n, 0, {least:UInt32})
               ]::Array(Tuple(UInt8, String, String, String, Nullable(Float64), Nullable(Int64), Int64, Int64, UInt32))) AS m,
               toInt64(ifNull(counts.n, 0)) AS c_n, toInt64(ifNull(counts.in_time, 0)) AS c_in_time, toInt64(ifNull(counts.late, 0)) AS c_late,
               toInt64(ifNull(counts.held, 0)) AS c_held, toInt64(ifNull(counts.doubtful, 0)) AS c_doubtful, toInt64(ifNull(counts.odd, 0)) AS c_odd,
               c_in_time + c_late AS c_ended, c_ended + c_held + c_doubtful AS c_known
        FROM (SELECT party, hop FROM everybody CROSS JOIN judged) AS grid
        LEFT JOIN counts ON counts.party = grid.party AND counts.hop = grid.hop
        LEFT JOIN feeds ON feeds.party = grid.party
    )
    UNION ALL
    SELECT everybody.party, '', 1, 'feed_read', 'share', 'more', feeds.share, toInt64(ifNull(feeds.well, 0)), toInt64(ifNull(feeds.looked, 0)), 0,
           {least_looks:UInt32}, 'feed_looks', multiIf(ifNull(feeds.looked, 0) = 0, 'feed', feeds.looked < {least_looks:UInt32}, 'few', '')
    FROM everybody LEFT JOIN feeds ON feeds.party = everybody.party
    UNION ALL
    SELECT everybody.party, '', 9, 'claims', 'share', 'more', borne_out / claimed, toInt64(ifNull(borne_out, 0)), toInt64(ifNull(claimed, 0)), 0, {least:UInt32}, 'claims',
           multiIf(ifNull(feeds.share, 0) < 1 - {unread_most:Float64} OR shared < 1 - {unread_most:Float64}, 'feed',
                   ifNull(claimed, 0) < {least:UInt32}, 'few', '')
    FROM everybody LEFT JOIN borne_out ON borne_out.party = everybody.party LEFT JOIN feeds ON feeds.party = everybody.party
    WHERE {claimed:String} != ''
    UNION ALL
    SELECT asked.party, '', 10, concat('inspection_', asked.kind), 'result', 'more', toFloat64(result = 'passed'), NULL, toInt64(ifNull(result, '') != ''), 0, 1, '',
           multiIf(ifNull(result, '') = '', 'never',
                   valid_until < toString(toDate(least((SELECT instant FROM read_to), {to:DateTime64(6, 'UTC')}), 'Asia/Tokyo')), 'overdue', '')
    FROM (SELECT party, arrayJoin(['technical', 'financial']) AS kind FROM everybody) AS asked
    LEFT JOIN inspections ON inspections.party = asked.party AND inspections.kind = asked.kind
)
SELECT
    party AS vendor, criterion, hop, unit, better, if(why = '', 'measured', 'unknown') AS state, why, hits, cases, undetermined, least, evidence, place,
    if(why = '', round(figure, 4), NULL) AS value,
    why = '' AND unit = 'share' AND criterion != 'feed_read' AS spread,
    if(spread, round(lower_end(assumeNotNull(hits), cases), 4), NULL) AS at_least,
    if(spread, round(upper_end(assumeNotNull(hits), cases), 4), NULL) AS at_most,
    mapFilter((name, given) -> evidence != '' AND given != '', map(
        'criterion', if(evidence = 'scorecard_cases', criterion, ''), 'vendor', party, 'hop', hop,
        'holder', if(evidence = 'scorecard_cases' AND {holder:String} != 'vendor', {holder:String}, ''), 'behind_s', if(evidence = 'feed_looks', toString({behind_s:UInt32}), ''),
        'claimed', if(evidence = 'claims', {claimed:String}, ''), 'received', if(evidence = 'claims', {received:String}, ''),
        'within_h', if(evidence = 'claims', toString({within_h:UInt32}), ''), 'from', told({from:DateTime64(6, 'UTC')}), 'to', told({to:DateTime64(6, 'UTC')})
    )) AS evidence_parameters
FROM measures
SETTINGS join_use_nulls = 1
