-- What: events and refusals, one row for each record of custody-log that is no pulse; and the register of the ranges inserted.
-- Why: every public record ends here exactly once. A range is entered last, so a start knows behind which record it goes on.
-- Blocks: nothing; new tables.
-- Most events name no municipality, only their application: so they stand by application, and towns find theirs through its hops.
-- A range's rows lie in one month of its cut, and its token stops a second copy: it must be remembered longer than any writer may sleep.

CREATE TABLE IF NOT EXISTS ranges
(
    log_id LowCardinality(String) COMMENT 'id of the topic, not its name',
    topic LowCardinality(String),
    partition UInt16,
    lo UInt64 COMMENT 'first record',
    hi UInt64 COMMENT 'last record: a start goes on behind it',
    records UInt32 COMMENT 'committed records from lo to hi, marks included',
    bucket Int64 COMMENT 'bucket of the mark that cut, or of the last one before',
    cut_at DateTime64(6, 'UTC') COMMENT 'begin of that bucket',
    entered_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(cut_at)
ORDER BY (log_id, partition, hi)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'the ranges of the logs whose rows are all inserted; ranges without rows are not entered';

CREATE TABLE IF NOT EXISTS events
(
    token Nullable(String) CODEC(ZSTD(1)) COMMENT 'the application: HMAC-SHA-256 of its id under the deployment''s key, 64 hex digits',
    last4 Nullable(String) CODEC(ZSTD(1)) COMMENT 'last 4 digits of the application''s id',
    speaker LowCardinality(String) COMMENT 'the party that said it, by its topic or credential',
    role LowCardinality(String) COMMENT 'its role in the policy',
    type LowCardinality(String) COMMENT 'without the prefix jp.tairyu.',
    event_id String CODEC(ZSTD(1)) COMMENT 'with source, the event''s identity as its speaker gave it',
    source LowCardinality(String),
    time Nullable(DateTime64(6, 'UTC')) CODEC(GCD, T64, ZSTD(1)) COMMENT 'when it happened, as claimed; null where that is no instant between 1900 and 2299',
    claimed String CODEC(ZSTD(1)) COMMENT 'the claim, word for word',
    received DateTime64(6, 'UTC') CODEC(GCD, T64, ZSTD(1)) COMMENT 'arrival',
    vendor LowCardinality(Nullable(String)) COMMENT 'as the event says; who spoke stands in speaker',
    kiosk LowCardinality(Nullable(String)),
    kiosk_municipality LowCardinality(Nullable(String)) COMMENT 'where the kiosk stands: 6 digits, the last a check digit',
    residence_municipality LowCardinality(Nullable(String)) COMMENT 'where the applicant lives: often another town than the kiosk''s',
    batch Nullable(String) CODEC(ZSTD(1)),
    reason Nullable(String) CODEC(ZSTD(1)),
    origin String CODEC(ZSTD(1)) COMMENT 'topic:partition:offset of the public record',
    data String CODEC(ZSTD(1)) COMMENT 'the whole payload, JSON',
    log_id LowCardinality(String) COMMENT 'the log this comes from: another one after its topic was deleted and made again',
    topic LowCardinality(String),
    partition UInt16,
    offset UInt64 CODEC(Delta, ZSTD(1)) COMMENT 'of the record in custody-log',
    lo UInt64 COMMENT 'first record of the range in which it was inserted',
    hi UInt64 COMMENT 'last record of that range',
    cut_at DateTime64(6, 'UTC') COMMENT 'begin of the bucket by which the range was cut; its month is the partition'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(cut_at)
ORDER BY (token, received)
SETTINGS allow_nullable_key = 1, index_granularity = 1024, non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'what the sources said';

CREATE TABLE IF NOT EXISTS refusals
(
    reason LowCardinality(String) COMMENT 'reason code, see docs/events.md',
    path String COMMENT 'where the fault lies, keys given by position',
    origin_topic LowCardinality(String),
    origin_partition UInt16,
    origin_offset UInt64,
    speaker LowCardinality(Nullable(String)),
    size UInt64 COMMENT 'bytes of the refused value',
    hmac String CODEC(ZSTD(1)) COMMENT 'HMAC-SHA-256 of those bytes under the deployment''s key',
    received DateTime64(6, 'UTC'),
    log_id LowCardinality(String) COMMENT 'the log this comes from: another one after its topic was deleted and made again',
    topic LowCardinality(String),
    partition UInt16,
    offset UInt64 COMMENT 'of the record in custody-log',
    lo UInt64 COMMENT 'first record of the range in which it was inserted',
    hi UInt64 COMMENT 'last record of that range',
    cut_at DateTime64(6, 'UTC') COMMENT 'begin of the bucket by which the range was cut; its month is the partition'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(cut_at)
ORDER BY (origin_topic, reason, received)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'public records that were refused; nothing of their values';
