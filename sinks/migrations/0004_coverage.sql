-- What: coverage, up to when each feed had been read, every five minutes.
-- Why: where a feed has not been read, nothing is known of its applications; without this, silence would look like good work.
-- Blocks: nothing; a new table.

CREATE TABLE IF NOT EXISTS coverage
(
    at DateTime64(6, 'UTC') COMMENT 'the clock of intake when this was so',
    feed LowCardinality(String) COMMENT 'the public topic',
    feed_partition UInt16,
    vendor LowCardinality(Nullable(String)) COMMENT 'the party whose feed it is; null for one that several share',
    through Nullable(DateTime64(6, 'UTC')) COMMENT 'all that had arrived up to then had been read; null: nobody has read it yet',
    input_set UInt32 COMMENT 'the number of the set of feeds that were read then',
    log_id LowCardinality(String) COMMENT 'the log this comes from: another one after its topic was deleted and made again',
    topic LowCardinality(String),
    partition UInt16,
    offset UInt64 COMMENT 'of the applied record in applications',
    lo UInt64 COMMENT 'first record of the range in which it was inserted',
    hi UInt64 COMMENT 'last record of that range',
    cut_at DateTime64(6, 'UTC') COMMENT 'begin of the bucket by which the range was cut; its month is the partition'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(cut_at)
ORDER BY (feed, feed_partition, at)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'up to when each feed had been read, as the watch knew it';
