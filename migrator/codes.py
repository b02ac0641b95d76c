"""The codes of violations: one table that every report, filter and `migrate explain` page reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One row: the code, its kind, what it finds, why such a place hides bugs, what apply does, an example."""

    code: str
    kind: str
    title: str
    why: str
    apply: str
    before: str
    after: str


_ROWS = (
    Code(
        "RS101",
        "import",
        "imports from a mock library",
        "A module that imports a mock library is about to test against answers that its own author wrote.",
        "Takes the names out of the import when nothing uses them any more, and the import when none is left.",
        "from unittest.mock import AsyncMock, MagicMock",
        "",
    ),
    Code(
        "RS102",
        "import",
        "imports from a fake-service library",
        "A fake re-implements a service from memory: what it forgot or got wrong passes here and breaks later.",
        "Takes the import out once nothing uses it any more.",
        "import fakeredis",
        "",
    ),
    Code(
        "RS201",
        "creation",
        "constructs a mock",
        "A mock accepts every call and every argument, so a misspelt command or a wrong type goes unnoticed.",
        "Gives the test the real fixture as a parameter instead, where all that is done to the mock can move too.",
        'async def test_saves():\n    cache = AsyncMock()\n    await save(cache, "k", "v")\n'
        '    cache.set.assert_awaited_once_with("k", "v")',
        'async def test_saves(real_redis):\n    cache = real_redis\n    await save(cache, "k", "v")\n'
        '    assert await cache.get("k") == "v"',
    ),
    Code(
        "RS202",
        "creation",
        "constructs or activates a fake service",
        "The test then proves that the code agrees with the fake, not with the service.",
        "Replaces a fake client by the real fixture of its service; leaves fakes of whole web services to a person.",
        "client = fakeredis.FakeRedis()",
        "client = real_redis.bytes.sync",
    ),
    Code(
        "RS203",
        "creation",
        "defines a hand-written fake of a service",
        "A hand-written fake drifts from the service with every release, and nobody tests the fake.",
        "Leaves the class until nothing constructs it; then it can go.",
        "class FakeRedis:\n    def __init__(self):\n        self.data = {}",
        "",
    ),
    Code(
        "RS301",
        "patch",
        "patches with a decorator",
        "The patched name is swapped for a mock in the whole test, so what production runs is never tested.",
        "Binds the real client in its place where the patched name is a client of a known service.",
        '@patch("app.cache.client")\ndef test_reads(client): ...',
        'def test_reads(real_services, real_redis):\n    real_services.bind("app.cache.client", real_redis.sync)',
    ),
    Code(
        "RS302",
        "patch",
        "patches with a call or context manager",
        "What is patched out is exactly what production will run; a wrong target patches nothing, silently.",
        "Binds the real client in its place where the patched name is a client of a known service.",
        'with patch("app.cache.client", mock_redis):\n    await act()',
        'real_services.bind("app.cache.client", real_redis)\nawait act()',
    ),
    Code(
        "RS303",
        "patch",
        "puts a stand-in in place with monkeypatch",
        "The replacement has its author's idea of the signature and the answer, not the service's.",
        "Binds the real client in its place where the replaced name is a client of a known service.",
        'monkeypatch.setattr("app.cache.client", mock_redis)',
        'real_services.bind("app.cache.client", real_redis)',
    ),
    Code(
        "RS401",
        "fixture",
        "defines a mock fixture",
        "Every test that requests it, today or tomorrow, is cut off from the service.",
        "Removes the definition when its last request is gone.",
        "@pytest.fixture\ndef mock_redis():\n    return AsyncMock()",
        "",
    ),
    Code(
        "RS402",
        "fixture",
        "requests a mock fixture",
        "The parameter looks like the service and is not; the real fixture of the same role costs one word.",
        "Requests the real fixture of the service, when everything that the test does to the mock can move too.",
        "async def test_reads(mock_redis): ...",
        "async def test_reads(real_redis): ...",
    ),
    Code(
        "RS501",
        "behaviour",
        "programs a stand-in",
        "The answer is the author's guess at the service; SQL, types and constraints are never checked.",
        "Drops the answer where an empty service gives it anyway; else seeds the service as the test says.",
        'mock_redis.get.return_value = "v"\nassert await read(mock_redis, "k") == "v"',
        'await real_redis.set("k", "v")\nassert await read(real_redis, "k") == "v"',
    ),
    Code(
        "RS601",
        "assertion",
        "asserts calls of a stand-in",
        "It proves that a call was made, not that it had any effect: the row may violate a constraint.",
        "Asserts what the service now holds, where the arguments say what that is; else what was really sent.",
        'mock_redis.set.assert_called_once_with("k", "v", ex=60)',
        'assert await real_redis.get("k") == "v"\nassert 0 < await real_redis.ttl("k") <= 60',
    ),
    Code(
        "RS602",
        "assertion",
        "inspects calls of a stand-in",
        "It ties the test to how the code calls its client instead of to what the service holds afterwards.",
        "Reads the same from the journal, which keeps what the real client really sent.",
        "assert mock_redis.set.call_count == 2",
        'assert real_redis.journal.count("set") == 2',
    ),
)

CODES: dict[str, Code] = {row.code: row for row in _ROWS}
KINDS: tuple[str, ...] = tuple(dict.fromkeys(row.kind for row in _ROWS))
