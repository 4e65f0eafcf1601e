-- What: parties, policies and calendars, as this deployment has used them.
-- Why: what was said then follows from the limits, the holders and the calendars of then; the files of today may say otherwise.
-- Blocks: nothing; new tables.
-- A history stage writes what its files say as it starts, once for each content. Nothing here is about an application.

CREATE TABLE IF NOT EXISTS parties
(
    digest String COMMENT 'SHA-256 of all that this version of the parties says, 64 hex digits',
    input_set UInt32 COMMENT 'the number of the set of feeds, as in coverage',
    name LowCardinality(String) COMMENT 'as speaker in events; of a family, the rule that its names follow',
    kind LowCardinality(String) COMMENT 'party, or family: every name that follows its rule',
    role LowCardinality(String) COMMENT 'its role in the policy',
    label String COMMENT 'what people call it',
    municipality LowCardinality(Nullable(String)) COMMENT 'its code, where the party is a municipality: 6 digits, the last a check digit',
    duty_basis LowCardinality(Nullable(String)) COMMENT 'of the holder named like its role: statute, contract or none; null: no holder is',
    supervisor LowCardinality(Nullable(String)) COMMENT 'who supervises that holder; none is an answer',
    own_feed UInt8 COMMENT '1: it has a topic, and a clock, of its own',
    sources Array(String) COMMENT 'what the source of its events begins with',
    retired UInt8 COMMENT '1: it no longer sends, and nobody waits for its clock',
    partitions Nullable(UInt32) COMMENT 'of its own topic, where the file says so',
    first_used_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') COMMENT 'when a history stage first started with this version'
)
ENGINE = MergeTree
ORDER BY (digest, name)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'who sends, and under which names: each version that was used, a row for each party';

CREATE TABLE IF NOT EXISTS policies
(
    digest String COMMENT 'SHA-256 of all that is said here of this version: another one under the same name is another policy',
    procedure LowCardinality(String),
    version LowCardinality(String) COMMENT 'as policy_version in hops and transitions',
    effective_at DateTime64(6, 'UTC') COMMENT 'hops entered from here on are judged by it, until the next version',
    timezone LowCardinality(String) COMMENT 'in which its days begin',
    hop LowCardinality(String),
    place UInt16 COMMENT 'of the hop in the policy''s order, from 1',
    label String COMMENT 'what people call the hop',
    rule LowCardinality(String) COMMENT 'default, or the name of an override: as rule in hops, limit_rule in transitions',
    matches Array(String) COMMENT 'of an override: for which applications, as key=value, all of which must hold',
    watched UInt8 COMMENT '0: never opens',
    begins Array(String) COMMENT 'milestones: the earliest of them begins the hop',
    ends Array(String) COMMENT 'milestones: the earliest of them ends it',
    holder LowCardinality(String) COMMENT 'who has it during this hop',
    duty_basis LowCardinality(String) COMMENT 'what obliges the holder: statute, contract or none',
    supervisor LowCardinality(String) COMMENT 'who supervises the holder; none is an answer',
    clock LowCardinality(String) COMMENT 'wall, calendar_days or business_days',
    calendar LowCardinality(Nullable(String)) COMMENT 'whose business days: as calendar in calendars',
    calendar_version LowCardinality(Nullable(String)) COMMENT 'as version in calendars',
    levels Array(String) COMMENT 'in ascending order',
    limits Array(Float64) COMMENT 'of each level: seconds where the clock is wall, else days',
    first_used_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') COMMENT 'when a history stage first started with this version'
)
ENGINE = MergeTree
ORDER BY (digest, place, rule)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'by which rules hops were judged: each version that was used, a row for each hop and each override of it';

CREATE TABLE IF NOT EXISTS calendars
(
    digest String COMMENT 'SHA-256 of all its days',
    calendar LowCardinality(String) COMMENT 'its name in the policy',
    version LowCardinality(String) COMMENT 'as calendar_version in hops, transitions and policies',
    day Date COMMENT 'in the policy''s time zone; days beyond the first and the last are never guessed',
    open UInt8 COMMENT '1: a business day',
    first_used_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') COMMENT 'when a history stage first started with this version'
)
ENGINE = MergeTree
ORDER BY (digest, day)
SETTINGS non_replicated_deduplication_window = 100000,
         replicated_deduplication_window = 100000, replicated_deduplication_window_seconds = 31536000
COMMENT 'which days counted: each version of a calendar that was used, a row for each day';
