-- What: hops_compacted (each hop once, as judged up to a compaction), compactions, and the views uncompacted and hops_now.
-- Why: which judgement of a hop is the last one would otherwise be looked for among all there ever were, at each question.
-- Blocks: nothing; new tables and a view.
-- A compaction makes hops_compacted anew beside the old one (the months of which nothing has changed are not copied, but linked), then
-- exchanges them: a question sees one or the other. hops_now takes what has come since from hops, so it is exact at any time.

CREATE TABLE IF NOT EXISTS compactions
(
    compaction UInt64 COMMENT 'its name, a number drawn at random',
    log_id LowCardinality(String),
    partition UInt16,
    next UInt64 COMMENT 'first record of the log that is not in this compaction for sure',
    compacted_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY (compaction, log_id, partition)
TTL toDateTime(compacted_at) + INTERVAL 400 DAY
COMMENT 'how far each log had been read when hops were compacted';

CREATE TABLE IF NOT EXISTS hops_compacted
(
    compaction UInt64 COMMENT 'in which this row was made; the row without a log, entered in 1970, names the last one',
    application UInt128 CODEC(ZSTD(1)) COMMENT 'a short name of the token, to count and compare by',
    token String CODEC(ZSTD(1)) COMMENT 'the application: HMAC-SHA-256 of its id under the deployment''s key, 64 hex digits',
    hop LowCardinality(String),
    attempt UInt16 COMMENT 'from 1; each resubmission begins one',
    begun_at DateTime64(6, 'UTC') CODEC(ZSTD(1)) COMMENT 'when its application began: the earliest entry into any of its hops that is not void',
    last4 String CODEC(ZSTD(1)) COMMENT 'last 4 digits of the application''s id',
    vendor LowCardinality(Nullable(String)) COMMENT 'the party to which the application is attributed',
    kiosk LowCardinality(Nullable(String)),
    kiosk_municipality LowCardinality(Nullable(String)) COMMENT 'where the kiosk stands: 6 digits, the last a check digit',
    residence_municipality LowCardinality(Nullable(String)) COMMENT 'where the applicant lives: often another town than the kiosk''s',
    holder LowCardinality(String) COMMENT 'who has it during this hop',
    duty_basis LowCardinality(String) COMMENT 'what obliges the holder: statute, contract or none',
    supervisor LowCardinality(String) COMMENT 'who supervises the holder; none is an answer',
    state LowCardinality(String) COMMENT 'open, in_time, late, undetermined or void',
    level LowCardinality(Nullable(String)) COMMENT 'late: the highest limit passed; open: the level last said',
    entered_at DateTime64(6, 'UTC') CODEC(GCD, T64, ZSTD(1)) COMMENT 'its month is the partition',
    due_at Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)) COMMENT 'the first limit; null past the calendar''s horizon',
    closed_at Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)),
    closed_before Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)) COMMENT 'a later milestone''s time, where the hop''s own end was never observed',
    until_day Date32 CODEC(T64, ZSTD(1)) COMMENT 'the day (UTC) until which it may have lasted: of its end; 2299 while it is open; undetermined: of the later milestone; never before entered_at',
    rule LowCardinality(String) COMMENT 'whose limits: default, or the name of an override',
    policy_version LowCardinality(String),
    calendar_version LowCardinality(Nullable(String)) COMMENT 'of the calendar by which the limits were computed; null where none is needed',
    flags Array(LowCardinality(String)),
    log_id LowCardinality(String) COMMENT 'the log this comes from',
    topic LowCardinality(String),
    partition UInt16,
    offset UInt64 CODEC(ZSTD(1)) COMMENT 'of the record in applications',
    cut_at DateTime64(6, 'UTC') CODEC(GCD, T64, ZSTD(1)) COMMENT 'begin of the bucket by which its range was cut',
    INDEX by_kiosk kiosk_municipality TYPE set(64) GRANULARITY 1,
    INDEX by_residence residence_municipality TYPE set(64) GRANULARITY 1,
    INDEX by_end until_day TYPE minmax GRANULARITY 1,
    INDEX by_application application TYPE bloom_filter GRANULARITY 1,
    INDEX by_state state TYPE set(8) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(entered_at)
ORDER BY (residence_municipality, kiosk_municipality, application, hop, attempt)
SETTINGS allow_nullable_key = 1
COMMENT 'each hop of each application as judged up to the last compaction: ask hops_now';

CREATE VIEW IF NOT EXISTS uncompacted AS
WITH
(
    SELECT mapFromArrays(groupArray(concat(log_id, ' ', toString(partition))), groupArray(next))
    FROM compactions
    WHERE compaction IN (SELECT compaction FROM hops_compacted WHERE entered_at = toDateTime64(0, 6, 'UTC') AND log_id = '')
) AS next_of,
(SELECT minOrNull(cut_at) FROM ranges WHERE hi >= next_of[concat(log_id, ' ', toString(partition))]) AS earliest
SELECT log_id, application, max(offset) AS offset, min(cut_at) AS since
FROM applications
WHERE cut_at >= earliest AND applications.offset >= next_of[concat(log_id, ' ', toString(partition))]
GROUP BY log_id, application
COMMENT 'applications of which something came after the last compaction, and where their last record stands';

CREATE VIEW IF NOT EXISTS hops_now AS
SELECT *
FROM
(
    SELECT application, token, hop, attempt, begun_at, last4, vendor, kiosk, kiosk_municipality, residence_municipality, holder, duty_basis, supervisor,
           state, level, entered_at, due_at, closed_at, closed_before, until_day, rule, policy_version, calendar_version, flags, log_id, topic, partition,
           offset, cut_at
    FROM hops_compacted
    WHERE (log_id, application) NOT IN (SELECT log_id, application FROM uncompacted)
    UNION ALL
    SELECT application, token, hop, attempt, begun_at, last4, vendor, kiosk, kiosk_municipality, residence_municipality, holder, duty_basis, supervisor,
           state, level, entered_at, due_at, closed_at, closed_before, until_day, rule, policy_version, calendar_version, flags, log_id, topic, partition,
           offset, cut_at
    FROM
    (
        SELECT application, until_day, *
        FROM hops
        WHERE cut_at >= (SELECT minOrNull(since) FROM uncompacted)
          AND (log_id, application, offset) IN (SELECT log_id, application, offset FROM uncompacted)
        LIMIT 1 BY log_id, application, hop, attempt
    )
)
WHERE log_id IN (SELECT argMax(log_id, entered_at) FROM ranges GROUP BY topic)
COMMENT 'each hop of each application, as last judged';
