-- What: transitions (what was said of each stall, and when) and the view stalls_now.
-- Why: this is the record of who was told what; stalls_now answers what is held at present.
-- Blocks: nothing; a new table and a view.

CREATE TABLE IF NOT EXISTS transitions
(
    stall_id String CODEC(ZSTD(1)) COMMENT 'token:hop:attempt',
    revision UInt32 COMMENT 'counts the changes of this stall''s verdict, from 1',
    kind LowCardinality(String) COMMENT 'raised, escalated, cleared, recorded, revised or retracted',
    reason LowCardinality(Nullable(String)) COMMENT 'of a retraction: in_time, end_unobserved, corrected or never_opened',
    level LowCardinality(String),
    hop LowCardinality(String),
    attempt UInt16 COMMENT 'from 1; each resubmission begins one',
    token String CODEC(ZSTD(1)) COMMENT 'the application: HMAC-SHA-256 of its id under the deployment''s key, 64 hex digits',
    last4 String COMMENT 'last 4 digits of the application''s id',
    vendor LowCardinality(Nullable(String)) COMMENT 'the party to which the application is attributed',
    kiosk LowCardinality(Nullable(String)),
    kiosk_municipality LowCardinality(Nullable(String)) COMMENT 'where the kiosk stands: 6 digits, the last a check digit',
    residence_municipality LowCardinality(Nullable(String)) COMMENT 'where the applicant lives: often another town than the kiosk''s',
    holder LowCardinality(String) COMMENT 'who has it during this hop',
    duty_basis LowCardinality(String) COMMENT 'what obliges the holder: statute, contract or none',
    supervisor LowCardinality(String) COMMENT 'who supervises the holder; none is an answer',
    procedure LowCardinality(String),
    policy_version LowCardinality(String) COMMENT 'the version by which the hop is judged',
    calendar_version LowCardinality(Nullable(String)) COMMENT 'of the calendar by which the limit was computed; null where none is needed',
    limit_rule LowCardinality(String) COMMENT 'whose limits: default, or the name of an override',
    flags Array(LowCardinality(String)) COMMENT 'what was odd about the application''s events',
    entered_at DateTime64(6, 'UTC') CODEC(GCD, T64, ZSTD(1)) COMMENT 'when the hop began',
    due_at DateTime64(6, 'UTC') CODEC(GCD, T64, ZSTD(1)) COMMENT 'the limit of this level',
    closed_at Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)) COMMENT 'when the hop ended',
    closed_before Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)) COMMENT 'a later milestone''s time, where the hop''s own end was never observed',
    at DateTime64(6, 'UTC') CODEC(GCD, T64, ZSTD(1)) COMMENT 'the application''s clock, or the arrival of the news, by which it was said',
    time DateTime64(6, 'UTC') CODEC(GCD, T64, ZSTD(1)) COMMENT 'when it became true: due_at, closed_at, or the arrival of the news',
    log_id LowCardinality(String) COMMENT 'the log this comes from: another one after its topic was deleted and made again',
    topic LowCardinality(String),
    partition UInt16,
    offset UInt64 CODEC(ZSTD(1)) COMMENT 'of the record in stall-events',
    lo UInt64 COMMENT 'first record of the range in which it was inserted',
    hi UInt64 COMMENT 'last record of that range',
    cut_at DateTime64(6, 'UTC') COMMENT 'begin of the bucket by which the range was cut; its month is the partition',
    INDEX by_token token TYPE bloom_filter GRANULARITY 1,
    INDEX by_kiosk kiosk_municipality TYPE set(64) GRANULARITY 1,
    INDEX by_residence residence_municipality TYPE set(64) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(cut_at)
ORDER BY (kiosk_municipality, residence_municipality, hop, stall_id, revision)
SETTINGS allow_nullable_key = 1, non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'what was said of each stall';

CREATE VIEW IF NOT EXISTS stalls_now AS
SELECT *
FROM
(
    SELECT *
    FROM transitions
    WHERE log_id IN (SELECT argMax(log_id, entered_at) FROM ranges GROUP BY topic)
    ORDER BY stall_id, revision DESC
    LIMIT 1 BY stall_id
)
WHERE kind IN ('raised', 'escalated', 'revised')
COMMENT 'what is held now: the last transition of each stall that is still open';
