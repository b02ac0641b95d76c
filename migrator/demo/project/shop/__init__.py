"""A small shop: users in PostgreSQL, sessions in Redis, events in ClickHouse, all behind one API."""
