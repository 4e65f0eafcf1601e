-- What: hops (each hop of each application, whenever it was judged anew) and applications.
-- Why: durations of all hops, not only of stalls, told by the watch's own rules: SQL never judges again.
-- Blocks: nothing; new tables.
-- A hop can vanish (a correction moves an attempt): which record is the last one, applications tells. Both are asked through hops_now.

CREATE TABLE IF NOT EXISTS hops
(
    token String CODEC(ZSTD(1)) COMMENT 'the application: HMAC-SHA-256 of its id under the deployment''s key, 64 hex digits',
    application UInt128 ALIAS reinterpretAsUInt128(sipHash128(token)) COMMENT 'a short name of the token, to count and compare by',
    hop LowCardinality(String),
    attempt UInt16 COMMENT 'from 1; each resubmission begins one',
    begun_at DateTime64(6, 'UTC') CODEC(ZSTD(1)) COMMENT 'when its application began: the earliest entry into any of its hops that is not void',
    last4 String COMMENT 'last 4 digits of the application''s id',
    vendor LowCardinality(Nullable(String)) COMMENT 'the party to which the application is attributed',
    kiosk LowCardinality(Nullable(String)),
    kiosk_municipality LowCardinality(Nullable(String)) COMMENT 'where the kiosk stands: 6 digits, the last a check digit',
    residence_municipality LowCardinality(Nullable(String)) COMMENT 'where the applicant lives: often another town than the kiosk''s',
    holder LowCardinality(String) COMMENT 'who has it during this hop',
    duty_basis LowCardinality(String) COMMENT 'what obliges the holder: statute, contract or none',
    supervisor LowCardinality(String) COMMENT 'who supervises the holder; none is an answer',
    state LowCardinality(String) COMMENT 'open, in_time, late, undetermined or void',
    level LowCardinality(Nullable(String)) COMMENT 'late: the highest limit passed; open: the level last said',
    entered_at DateTime64(6, 'UTC') CODEC(GCD, T64, ZSTD(1)),
    due_at Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)) COMMENT 'the first limit; null past the calendar''s horizon',
    closed_at Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)),
    closed_before Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)) COMMENT 'a later milestone''s time, where the hop''s own end was never observed',
    until_day Date32 ALIAS if(state = 'open', toDate32('2299-12-31'), toDate32(greatest(entered_at, coalesce(closed_at, closed_before, entered_at)))) COMMENT 'the day (UTC) until which it may have lasted: of its end; 2299 while it is open; undetermined: of the later milestone; never before entered_at',
    rule LowCardinality(String) COMMENT 'whose limits: default, or the name of an override',
    policy_version LowCardinality(String),
    calendar_version LowCardinality(Nullable(String)) COMMENT 'of the calendar by which the limits were computed; null where none is needed',
    flags Array(LowCardinality(String)),
    log_id LowCardinality(String) COMMENT 'the log this comes from: another one after its topic was deleted and made again',
    topic LowCardinality(String),
    partition UInt16,
    offset UInt64 CODEC(ZSTD(1)) COMMENT 'of the record in applications; the highest of an application is its last',
    lo UInt64 COMMENT 'first record of the range in which it was inserted',
    hi UInt64 COMMENT 'last record of that range',
    cut_at DateTime64(6, 'UTC') COMMENT 'begin of the bucket by which the range was cut; its month is the partition'
)
ENGINE = ReplacingMergeTree(offset)
PARTITION BY toYYYYMM(cut_at)
ORDER BY (token, hop, attempt, log_id)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'hops by application and attempt, with superseded versions: ask hops_now';

CREATE TABLE IF NOT EXISTS applications
(
    token String CODEC(ZSTD(1)) COMMENT 'the application: HMAC-SHA-256 of its id under the deployment''s key, 64 hex digits',
    application UInt128 ALIAS reinterpretAsUInt128(sipHash128(token)) COMMENT 'a short name of the token, to count and compare by',
    last4 String,
    vendors Array(LowCardinality(String)) COMMENT 'parties with feeds of their own that have spoken about it',
    shrinks_at Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)) COMMENT 'when it stops being watched; null while no terminal is known',
    log_id LowCardinality(String) COMMENT 'the log this comes from: another one after its topic was deleted and made again',
    topic LowCardinality(String),
    partition UInt16,
    offset UInt64 CODEC(ZSTD(1)) COMMENT 'of the record in applications; the highest of an application is its last',
    lo UInt64 COMMENT 'first record of the range in which it was inserted',
    hi UInt64 COMMENT 'last record of that range',
    cut_at DateTime64(6, 'UTC') COMMENT 'begin of the bucket by which the range was cut; its month is the partition'
)
ENGINE = ReplacingMergeTree(offset)
PARTITION BY toYYYYMM(cut_at)
ORDER BY (token, log_id)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'applications, with superseded versions';
