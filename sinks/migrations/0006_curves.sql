-- What: curve_hops (hops judged again under other limits, by `tairyu curve`), and curves, the runs that are whole.
-- Why: how soon a hop is noticed, and how often in error, depends on its limits: who sets them is to see both.
-- Blocks: nothing; new tables.
-- A run that was broken off has rows in curve_hops and none in curves: nobody is shown them.

CREATE TABLE IF NOT EXISTS curve_hops
(
    run String COMMENT 'which run: the same for the same events, rules, hop and factors',
    hop LowCardinality(String),
    factor Float64 COMMENT 'by which the hop''s limits were multiplied; 1: as the policy has them',
    token String COMMENT 'the application: HMAC-SHA-256 of its id under the deployment''s key, 64 hex digits',
    attempt UInt16 COMMENT 'from 1; each resubmission begins one',
    vendor LowCardinality(Nullable(String)) COMMENT 'the party to which the application is attributed',
    kiosk LowCardinality(Nullable(String)),
    kiosk_municipality LowCardinality(Nullable(String)) COMMENT 'where the kiosk stands: 6 digits, the last a check digit',
    residence_municipality LowCardinality(Nullable(String)) COMMENT 'where the applicant lives: often another town than the kiosk''s',
    policy_version LowCardinality(String),
    state LowCardinality(String) COMMENT 'under these limits: open, in_time, late, undetermined or void',
    entered_at DateTime64(6, 'UTC'),
    due_at Nullable(DateTime64(6, 'UTC')) COMMENT 'the first of these limits; null past the calendar''s horizon',
    closed_at Nullable(DateTime64(6, 'UTC')),
    closed_before Nullable(DateTime64(6, 'UTC')) COMMENT 'a later milestone''s time, where the hop''s own end was never observed',
    raised_at Nullable(DateTime64(6, 'UTC')) COMMENT 'when the alarm would have been raised; null: never',
    last_said LowCardinality(Nullable(String)) COMMENT 'what would have been said of it last: raised, cleared, retracted …; null: nothing',
    known_to DateTime64(6, 'UTC') COMMENT 'up to when the events of this run were known'
)
ENGINE = MergeTree
ORDER BY (run, hop, factor, token, attempt)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'hops judged again under other limits: only those of a run that stands in curves count';

CREATE TABLE IF NOT EXISTS curves
(
    run String,
    at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') COMMENT 'when it was whole',
    hop LowCardinality(String),
    factors Array(String) COMMENT 'as they were asked for, and 1',
    applications UInt32,
    events UInt64,
    known_to DateTime64(6, 'UTC') COMMENT 'up to when its events were known'
)
ENGINE = MergeTree
ORDER BY (hop, run)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'runs of `tairyu curve` whose rows are all inserted';
