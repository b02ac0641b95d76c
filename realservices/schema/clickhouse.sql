-- Where events go, for projects that configure no ClickHouse schema of their own.
CREATE TABLE user_events (
    user_id String,
    event_type LowCardinality(String),
    session_id String DEFAULT '',
    payload String DEFAULT '{}',
    created_at DateTime64(3) DEFAULT now64(3)
) ENGINE = MergeTree PARTITION BY toYYYYMM(created_at) ORDER BY (user_id, event_type, created_at);
