"""A nation's history in bulk: rows that intake, watch and history would have left, made by ClickHouse itself, a month at a time.

What befalls an application is drawn from a hash of its number: the same on every machine. The way has the hops of the packaged policy;
limits on business days are taken as so many days, since nothing is judged here. Some kiosks' queues stand still for some weeks: whom that
has hit is counted from its definition, and must be what hops tell.
"""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

from sinks.clickhouse import Store
from sinks.compact import compact

MONTHS = 24
FIRST = "2024-04-01"
UNTIL = "2026-04-01"
"""History has been read up to then: what would come later has not come."""
COMPACT_EVERY = 6
"""Months."""
PER_APPLICATION = 12.5
"""Events, on average."""
MUNICIPALITIES = Path(__file__).parents[2] / "streams" / "scenarios" / "municipalities.json"

HELD = "SELECT uniqExact(application) FROM hops_now WHERE hop = 'forward' AND (state = 'late' OR (state = 'open' AND level IS NOT NULL))"
PREPARE = """
CREATE TABLE towns ENGINE = Memory AS
SELECT rowNumberInAllBlocks() AS rank, code FROM (SELECT arrayJoin({codes:Array(String)}) AS code)
"""
# One row for each application of a month. Towns are as unequal as u * u makes them; the largest has fifteen kiosks.
PEOPLE = """
CREATE OR REPLACE TABLE people ENGINE = Memory AS
WITH (SELECT groupArray(code) FROM (SELECT code FROM towns ORDER BY rank)) AS codes, length(codes) AS many
SELECT
    *,
    arrayConcat(['upload', 'forward', 'screening'], arraySlice(['correction', 'upload', 'forward', 'screening'], 1, 4 * returned),
                ['issuance', 'delivery', 'notice', 'pickup']) AS hops,
    arrayConcat([1, 1, 1], arraySlice([1, 2, 2, 2], 1, 4 * returned), arrayMap(x -> toUInt8(1 + returned), [1, 2, 3, 4])) AS attempts,
    CAST(arrayConcat([10 + h % 50, if(stands_until > submitted_at, toUInt64(stands_until - submitted_at + 14400), 300 + r1 % 1500),
                 86400 * (2 + r2 % 5)],
                arraySlice([86400 * (3 + r3 % 40), 10 + r1 % 50, 300 + r2 % 1500, 86400 * (2 + r3 % 5)], 1, 4 * returned),
                [86400 * (10 + r3 % 7) + r1 % 86400, 86400 * (2 + r1 % 3) + r2 % 86400,
                 86400 * (3 + r2 % 8 + if(r3 % 50 = 0, 12, 0)) + r3 % 86400, 86400 * (5 + (r1 + r2) % 60) + (r1 + r3) % 86400]), 'Array(UInt32)') AS lasts
FROM
(
    SELECT
        number, cityHash64(number, 'h') AS h, cityHash64(number, 'r1') AS r1, cityHash64(number, 'r2') AS r2, cityHash64(number, 'r3') AS r3,
        lower(concat(hex(sipHash128(number)), hex(sipHash128(number, 't')))) AS token,
        leftPad(toString(h % 10000), 4, '0') AS last4,
        toUInt32(floor(many * pow((h % 1000003) / 1000003, 2))) AS town,
        codes[town + 1] AS kiosk_municipality,
        if(r1 % 100 < 85, kiosk_municipality, codes[(town + 1 + r1 % 9) % many + 1]) AS residence_municipality,
        r2 % (1 + intDiv(many - town, 120)) AS booth,
        concat('K', kiosk_municipality, '-', toString(booth)) AS kiosk,
        ['plaza', 'plaza', 'tokiwa', 'tokiwa', 'tokiwa', 'tokiwa', 'tokiwa', 'minato', 'minato', 'minato'][1 + cityHash64(kiosk) % 10] AS vendor,
        toUInt64(toUnixTimestamp(month)) + r3 % ({days:UInt32} * 86400) AS submitted_at,
        cityHash64(number, 'returned') % 20 = 0 AS returned,
        if(booth = 0 AND town % 97 = {month:UInt32} AND submitted_at < stall_ends AND submitted_at >= stall_begins, stall_ends, 0) AS stands_until
    FROM
    (
        SELECT number + {first:UInt64} AS number, toDateTime({begins:String}, 'Asia/Tokyo') AS month,
               toUInt64(toUnixTimestamp(month)) + 259200 AS stall_begins, stall_begins + 86400 * (7 + {month:UInt32}) AS stall_ends
        FROM numbers({people:UInt64})
    )
)
"""
_WAY = """
FROM
(
    SELECT *, arrayMap((at, lasting) -> toUInt32(at - lasting), arrayCumSum(lasts), lasts) AS after
    FROM people
)
ARRAY JOIN hops AS hop, attempts AS attempt, lasts AS lasting, after AS begin, arrayEnumerate(hops) AS nth
"""
_UNTIL = "toUnixTimestamp(toDateTime({until:String}, 'Asia/Tokyo'))"
_LIMIT = (
    "transform(hop, ['upload', 'forward', 'screening', 'correction', 'issuance', 'delivery', 'notice', 'pickup'],"
    " [3600, 21600, 1036800, 2592000, 2246400, 432000, 1209600, 7776000], 0)"
)
_HOLDER = (
    "transform(hop, ['upload', 'forward', 'screening', 'correction', 'issuance', 'delivery', 'notice', 'pickup'],"
    " ['vendor', 'vendor', 'j-lis', 'applicant', 'j-lis', 'post', 'municipality', 'applicant'], '')"
)
_DUTY = "if(holder IN ('vendor', 'applicant'), 'none', 'statute')"
_SUPERVISOR = "transform(holder, ['vendor', 'applicant', 'j-lis'], ['none', 'none', '主務大臣'], 'unknown')"
HIT = f"SELECT countIf(stands_until > submitted_at AND lasts[2] > 21600 AND submitted_at + lasts[1] + 21600 < {_UNTIL}) FROM people"
_INSTANT = "fromUnixTimestamp64Micro(toInt64({}) * 1000000, 'UTC')"
_RANGE = "{log} AS log_id, {log} AS topic, 0 AS partition, {offset} AS offset, {lo} AS lo, {hi} AS hi, toDateTime64({{cut:String}}, 6, 'UTC') AS cut_at"


def _range(log: str, offset: str, each: int) -> str:
    lo = f"{{first:UInt64}} * {each}"
    return _RANGE.format(log=f"'{log}'", offset=offset, lo=lo, hi=f"{lo} + {{people:UInt64}} * {each} - 1")


HOPS = f"""
INSERT INTO hops (token, last4, hop, attempt, begun_at, vendor, kiosk, kiosk_municipality, residence_municipality, holder, duty_basis, supervisor, state,
                  level, entered_at, due_at, closed_at, closed_before, rule, policy_version, calendar_version, flags,
                  log_id, topic, partition, offset, lo, hi, cut_at)
SELECT token, last4, hop, attempt, {_INSTANT.format("submitted_at")}, vendor, kiosk, kiosk_municipality, residence_municipality, {_HOLDER} AS holder,
       {_DUTY}, {_SUPERVISOR},
       multiIf(unseen, 'undetermined', NOT ended, 'open', lasting > limit, 'late', 'in_time') AS state,
       multiIf(state = 'late' OR (state = 'open' AND passed), 'notice', NULL),
       {_INSTANT.format("entered")}, {_INSTANT.format("entered + limit")},
       if(ended AND NOT unseen, {_INSTANT.format("entered + lasting")}, NULL), if(unseen, {_INSTANT.format("entered + lasting")}, NULL),
       'default', '2026-1', if(hop IN ('screening', 'issuance', 'notice'), 'japan-2026', NULL), [], {_range("applications", "number", 1)}
FROM
(
    SELECT *, hop, attempt, lasting, nth, submitted_at + begin AS entered, {_LIMIT} AS limit, entered + lasting <= {_UNTIL} AS ended, entered + limit < {_UNTIL} AS passed,
           ended AND hop = 'delivery' AND r3 % 100 = 0 AS unseen
    {_WAY}
    WHERE entered <= {_UNTIL}
)
"""
APPLICATIONS = f"""
INSERT INTO applications (token, last4, vendors, shrinks_at, log_id, topic, partition, offset, lo, hi, cut_at)
SELECT token, last4, [vendor], NULL, {_range("applications", "number", 1)} FROM people
"""
TRANSITIONS = f"""
INSERT INTO transitions (stall_id, revision, kind, level, hop, attempt, token, last4, vendor, kiosk, kiosk_municipality, residence_municipality,
                         holder, duty_basis, supervisor, procedure, policy_version, limit_rule, flags, entered_at, due_at, closed_at, at, time,
                         log_id, topic, partition, offset, lo, hi, cut_at)
SELECT concat(token, ':', hop, ':', toString(attempt)), revision, kind, if(revision = 2 AND kind = 'escalated', 'warn', 'notice'), hop, attempt,
       token, last4, vendor, kiosk, kiosk_municipality, residence_municipality, {_HOLDER} AS holder, {_DUTY}, {_SUPERVISOR},
       'my-number-card', '2026-1', 'default', [], {_INSTANT.format("entered")}, {_INSTANT.format("entered + limit")},
       if(kind = 'cleared', {_INSTANT.format("said")}, NULL), {_INSTANT.format("said")}, {_INSTANT.format("said")},
       {_range("stall-events", "number * 64 + nth * 4 + revision", 64)}
FROM
(
    SELECT *, hop, attempt, lasting, nth, submitted_at + begin AS entered, {_LIMIT} AS limit
    {_WAY}
    WHERE lasting > limit AND entered + limit < {_UNTIL} AND NOT (hop = 'delivery' AND r3 % 100 = 0)
)
ARRAY JOIN
    arrayFilter((kind, said) -> said < {_UNTIL} AND (kind != 'escalated' OR lasting > 2 * limit),
                ['raised', 'escalated', 'cleared'], [entered + limit, entered + 2 * limit, entered + lasting]) AS kind,
    arrayFilter((said, kind) -> said < {_UNTIL} AND (kind != 'escalated' OR lasting > 2 * limit),
                [entered + limit, entered + 2 * limit, entered + lasting], ['raised', 'escalated', 'cleared']) AS said,
    arrayEnumerate(arrayFilter((said, kind) -> said < {_UNTIL} AND (kind != 'escalated' OR lasting > 2 * limit),
                [entered + limit, entered + 2 * limit, entered + lasting], ['raised', 'escalated', 'cleared'])) AS revision
"""
_TYPES = (
    "multiIf(hop = 'upload' AND attempt = 2, 'application.resubmitted', transform(hop,"
    " ['upload', 'forward', 'screening', 'correction', 'issuance', 'delivery', 'notice', 'pickup', 'made', 'end'],"
    " ['application.submitted', 'application.uploaded', 'application.received', 'application.returned', 'application.accepted',"
    " 'card.dispatched', 'card.arrived', 'notice.sent', 'card.issued', 'card.handed_over'], ''))"
)
EVENTS = f"""
INSERT INTO events (token, last4, speaker, role, type, event_id, source, time, claimed, received, vendor, kiosk, kiosk_municipality,
                    residence_municipality, batch, reason, origin, data, log_id, topic, partition, offset, lo, hi, cut_at)
SELECT token, last4,
       multiIf(hop IN ('upload', 'forward'), vendor, hop IN ('notice', 'pickup', 'end'), residence_municipality, 'j-lis') AS speaker,
       multiIf(hop IN ('upload', 'forward'), 'vendor', hop IN ('notice', 'pickup', 'end'), 'municipality', 'j-lis') AS role, {_TYPES} AS type,
       concat(kiosk, '-', toString(number), '-', toString(nth)) AS event_id, concat('/', role, '/', speaker) AS source,
       {_INSTANT.format("happened")} AS time, concat(formatDateTime(time, '%Y-%m-%dT%H:%i:%S', 'Asia/Tokyo'), '+09:00') AS claimed,
       {_INSTANT.format("happened + 1 + copy * 7200")} AS received, NULL,
       if(hop IN ('upload', 'forward'), kiosk, NULL), if(hop = 'upload', people.kiosk_municipality, NULL),
       if(hop = 'upload', people.residence_municipality, NULL), NULL, NULL, concat(role, '-events:0:', toString(offset)) AS origin,
       if(hop = 'upload', concat('{{"kiosk":"', kiosk, '","kiosk_municipality":"', people.kiosk_municipality, '","residence_municipality":"',
                                 people.residence_municipality, '"}}'),
          if(hop = 'forward', concat('{{"kiosk":"', kiosk, '"}}'), '{{}}')) AS data,
       {_range("custody-log", "number * 32 + nth * 2 + copy", 32)}
FROM
(
    SELECT *, hop, attempt, nth, submitted_at + begin AS happened
    FROM
    (
        SELECT * REPLACE (arrayConcat(hops, ['end', 'made']) AS hops, arrayConcat(attempts, [1, 1]) AS attempts),
               arrayConcat(arrayMap((at, lasting) -> toUInt32(at - lasting), arrayCumSum(lasts), lasts),
                           arrayMap(at -> toUInt32(at), [arraySum(lasts), arraySum(lasts) - lasts[-1] - lasts[-2] - lasts[-3] - 86400])) AS after
        FROM people
    )
    ARRAY JOIN hops AS hop, attempts AS attempt, after AS begin, arrayEnumerate(hops) AS nth
    WHERE happened <= {_UNTIL} AND NOT (hop = 'notice' AND r3 % 100 = 0)
) AS people
ARRAY JOIN if(nth <= 3 OR (nth = 4 AND r1 % 2 = 0), [0, 1], [0]) AS copy
"""
COVERAGE = """
INSERT INTO coverage (at, feed, feed_partition, vendor, through, input_set, log_id, topic, partition, offset, lo, hi, cut_at)
SELECT toDateTime64({begins:String}, 6, 'Asia/Tokyo') + toIntervalSecond(300 * number) AS at, feed.1, 0, feed.2, at - toIntervalSecond(1), 5,
       'applications', 'applications', 0, 1, {first:UInt64}, {first:UInt64} + {people:UInt64} - 1, toDateTime64({cut:String}, 6, 'UTC')
FROM numbers(intDiv({days:UInt32} * 86400, 300))
ARRAY JOIN [('kiosk-events.plaza', 'plaza'), ('kiosk-events.tokiwa', 'tokiwa'), ('kiosk-events.minato', 'minato'), ('jlis-events', NULL),
            ('municipal-events', NULL)] AS feed
"""
RANGES = """
INSERT INTO ranges (log_id, topic, partition, lo, hi, records, bucket, cut_at)
SELECT log.1, log.1, 0, {first:UInt64} * log.2, ({first:UInt64} + {people:UInt64}) * log.2 - 1, {people:UInt64}, 1, toDateTime64({cut:String}, 6, 'UTC')
FROM (SELECT arrayJoin([('applications', 1), ('custody-log', 32), ('stall-events', 64)]) AS log)
"""
STATEMENTS = {
    "people": PEOPLE,
    "applications": APPLICATIONS,
    "hops": HOPS,
    "transitions": TRANSITIONS,
    "events": EVENTS,
    "coverage": COVERAGE,
    "ranges": RANGES,
}


def build(store: Store, applications: int, say: Callable[[str], None], months: int = MONTHS) -> None:
    """``applications`` in so many months, into a database with all its tables and no rows. ValueError if it is not what was meant."""
    hit = 0
    codes = [*json.loads(MUNICIPALITIES.read_text())]
    store.query(PREPARE, {"codes": codes})
    for month in range(months):
        year, number = divmod(3 + month, 12)
        begins = f"{2024 + year}-{number + 1:02}-01"
        ends = f"{2024 + (4 + month) // 12}-{(4 + month) % 12 + 1:02}-01"
        given = {
            "month": month,
            "begins": begins,
            "first": applications * month // months,
            "people": applications * (month + 1) // months - applications * month // months,
            "days": (date.fromisoformat(ends) - date.fromisoformat(begins)).days,
            "until": UNTIL,
            "cut": f"{begins} 12:00:00",
        }
        for name, statement in STATEMENTS.items():
            store.query(statement, {key: value for key, value in given.items() if f"{{{key}:" in statement})
            say(f"month {month + 1} of {months}: {name}")
        hit += int(store.query(HIT, {"until": UNTIL})[0][0])
        if (month + 1) % COMPACT_EVERY == 0 or month + 1 == months:
            compact(store)
            say(f"month {month + 1} of {months}: compacted")
    ((held,),) = store.query(HELD)
    if held != hit:
        raise ValueError(f"{hit} applications were in queues that stood still, and {held} were held in them")
    say(f"{held} applications were held by kiosks whose queues stood still, as was meant")
    store.command("DROP TABLE people")
    store.command("DROP TABLE towns")
