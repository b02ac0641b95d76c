CREATE TABLE events (
    user_id String,
    kind LowCardinality(String),
    at DateTime
) ENGINE = MergeTree ORDER BY (kind, at);
