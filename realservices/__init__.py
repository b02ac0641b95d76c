"""Real PostgreSQL, Redis, ClickHouse, HTTP and WebSocket services as pytest fixtures."""
