"""Real PostgreSQL, Redis, ClickHouse, HTTP and WebSocket services as pytest fixtures."""

pytest_plugins = ("realservices.plugin",)  # for a conftest.py that names the package
