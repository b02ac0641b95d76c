"""What stands at the top of generated files, and the words that the rest of the file then uses."""

from __future__ import annotations

APPLICATION = '''"""{text}."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import redis.asyncio as redis
from clickhouse_connect.driver import AsyncClient

from {package}.service import Gateway, settings

logger = logging.getLogger(__name__)


'''
SERVICE = '''"""{text}."""

import redis.asyncio as redis

redis_client = redis.from_url("redis://localhost")
settings = object()


class Gateway:
    """{text}."""


def build_service(cache, database):
    """{text}."""
    return Gateway()
'''
_TESTS = '''"""{text}."""

import asyncio
import json
import unittest
from datetime import UTC, datetime
{mock}
import fakeredis
import httpx
import pytest
import redis.asyncio as redis

from {package}.service import Gateway, build_service, settings
from {package}.tests.helpers.mocks import Clock, make_database, make_response


'''
_CONFTEST = """import pytest
import pytest_asyncio
import redis.asyncio as redis
{mock}
from {package}.tests.helpers.mocks import Clock, make_response


"""
_HELPERS = """from types import SimpleNamespace
{mock}

"""

STYLES = (
    ("from unittest.mock import AsyncMock, MagicMock, Mock, call, patch\n", "{}"),
    ("from unittest.mock import AsyncMock, MagicMock, Mock, call, patch\n", "{}"),
    ("from unittest.mock import AsyncMock, MagicMock, Mock, call, patch\n", "{}"),
    ("from unittest import mock\n", "mock.{}"),
    ("from unittest import mock\n", "mock.{}"),
    ("import unittest.mock\n", "unittest.mock.{}"),
    ("from {package}.tests.helpers.mocks import AsyncMock, MagicMock, Mock, call, patch\n", "{}"),
    ("from {package}.tests.helpers.mocks import mock as m\n", "m.{}"),
)
"""How a file comes by its mocks, and how it then calls them."""

_NAMES = ("AsyncMock", "MagicMock", "Mock", "call", "patch")


def plain_tests(package: str, text: str) -> tuple[str, dict[str, str]]:
    """The head of tests without mocks, and the words that are given."""
    return _TESTS.format(package=package, text=text, mock=""), {"package": package}


def mocked(kind: str, package: str, text: str, style: int) -> tuple[str, dict[str, str]]:
    """The head of a file with mocks, and the words that are given."""
    line, call = STYLES[style]
    if kind == "helpers":
        line, call = f"{STYLES[3][0]}{STYLES[0][0]}", "{}"
    head = {"tests": _TESTS, "conftest": _CONFTEST, "helpers": _HELPERS}[kind]
    given = {"package": package, **{name: call.format(name) for name in _NAMES}}
    return head.format(package=package, text=text, mock=line.format(package=package)), given
