from unittest.mock import AsyncMock, MagicMock

import pytest


@pytest.fixture
def mock_database():
    mock = MagicMock()
    mock.execute = AsyncMock(return_value=None)
    mock.fetchrow = AsyncMock(return_value=None)
    mock.fetch = AsyncMock(return_value=[])
    mock.fetchval = AsyncMock(return_value=None)
    return mock


@pytest.fixture
def mock_redis():
    return AsyncMock()


@pytest.fixture
def mock_clickhouse():
    mock = MagicMock()
    mock.insert = AsyncMock(return_value=None)
    mock.query = AsyncMock()
    return mock


@pytest.fixture
def mock_http_client():
    mock = MagicMock()
    mock.post = AsyncMock()
    mock.get = AsyncMock()
    return mock


@pytest.fixture
def mock_websocket():
    mock = MagicMock()
    mock.send = AsyncMock(return_value=None)
    mock.recv = AsyncMock()
    return mock
