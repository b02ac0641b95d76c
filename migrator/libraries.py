"""Tables of the libraries whose objects are stand-ins, by qualified name.

Adding a library is adding a row. Names were read off each library's own documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

from migrator.model import Service

MOCK_LIBRARIES: tuple[str, ...] = (
    "unittest.mock",
    "mock",
    "pytest_mock",
    "asynctest",
    "asyncmock",
    "aiomock",
    "flexmock",
    "doublex",
    "mockito",
    "pretend",
    "mockextras",
    "backports.unittest_mock",
)
"""Packages whose import is RS101; sub-modules count with them."""

MOCK_CLASSES: frozenset[str] = frozenset(
    {
        "Mock",
        "MagicMock",
        "AsyncMock",
        "NonCallableMock",
        "NonCallableMagicMock",
        "PropertyMock",
        "ThreadingMock",
        "CoroutineMock",
        "create_autospec",
        "mock_open",
        # flexmock, mockito, doublex, pretend
        "flexmock",
        "mock",
        "spy",
        "Spy",
        "Stub",
        "Mimic",
        "ProxySpy",
        "stub",
        "call_recorder",
    }
)
"""What constructs a mock when called, in any library of `MOCK_LIBRARIES` that has it."""

ASYNC_MOCK_CLASSES: frozenset[str] = frozenset({"AsyncMock", "CoroutineMock", "async_stub"})

MOCKER_CREATORS: frozenset[str] = frozenset(
    {
        "Mock",
        "MagicMock",
        "AsyncMock",
        "NonCallableMock",
        "NonCallableMagicMock",
        "PropertyMock",
        "stub",
        "async_stub",
        "create_autospec",
        "mock_open",
    }
)
MOCKER_FIXTURES: frozenset[str] = frozenset(
    {"mocker", "class_mocker", "module_mocker", "package_mocker", "session_mocker"}
)

PATCH_FLAVOURS: frozenset[str] = frozenset({"object", "dict", "multiple", "context_manager"})

MOCK_ASSERTIONS: frozenset[str] = frozenset(
    {
        "assert_called",
        "assert_called_once",
        "assert_called_with",
        "assert_called_once_with",
        "assert_any_call",
        "assert_has_calls",
        "assert_not_called",
        "assert_awaited",
        "assert_awaited_once",
        "assert_awaited_with",
        "assert_awaited_once_with",
        "assert_any_await",
        "assert_has_awaits",
        "assert_not_awaited",
    }
)
"""Counted on objects of unknown origin; on a known stand-in every assert_* counts."""

ASSERTION_FUNCTIONS: frozenset[str] = frozenset(
    {
        "responses.assert_call_count",
        "doublex.assert_that",
        "mockito.verify",
        "mockito.verifyNoMoreInteractions",
        "mockito.verifyNoUnwantedInteractions",
        "mockito.verifyZeroInteractions",
        "mockito.verifyExpectedInteractions",
        "mockito.verifyStubbedInvocationsAreUsed",
        "mockito.ensureNoUnverifiedInteractions",
    }
)

INSPECTIONS: frozenset[str] = frozenset(
    {
        "call_count",
        "call_args",
        "call_args_list",
        "mock_calls",
        "method_calls",
        "called",
        "await_count",
        "await_args",
        "await_args_list",
        "spy_return",
        "spy_return_list",
        "spy_return_iter",
        "spy_exception",
    }
)
WEAK_INSPECTIONS: frozenset[str] = frozenset({"called", "call_count", "await_count"})
"""Names that other objects have too: they count on a known stand-in only."""

BEHAVIOUR_ATTRIBUTES: frozenset[str] = frozenset({"return_value", "side_effect"})
BEHAVIOUR_METHODS: frozenset[str] = frozenset({"configure_mock", "attach_mock", "mock_add_spec", "reset_mock"})
BEHAVIOUR_FUNCTIONS: frozenset[str] = frozenset({"seal", "when", "when2", "expect"})
OWN_BEHAVIOUR_METHODS: frozenset[str] = frozenset({"should_receive", "should_call"})
"""What other mock libraries program with; counted on a known stand-in only."""

REAL_FIXTURES_OF_PYTEST: frozenset[str] = frozenset(
    {
        "cache",
        "caplog",
        "capfd",
        "capfdbinary",
        "capsys",
        "capsysbinary",
        "doctest_namespace",
        "event_loop",
        "event_loop_policy",
        "pytestconfig",
        "pytester",
        "record_property",
        "record_testsuite_property",
        "record_xml_attribute",
        "recwarn",
        "subtests",
        "testdir",
        "tmp_path",
        "tmp_path_factory",
        "tmpdir",
        "tmpdir_factory",
        "anyio_backend",
        "benchmark",
        "worker_id",
    }
)


@dataclass(frozen=True, slots=True)
class FakeLibrary:
    """A library that fakes a service, as qualified names below its package.

    `constructs`: what makes or activates the fake when called; `activates`: what does so merely named, as a
    decorator or in a with; `programs`/`inspects`/`asserts`: module functions and attributes; the `…_methods`
    are those of the fake itself. `fixtures` are what its pytest plugin hands out. A decorator that hands the fake to
    what it decorates has an `injects`: the keyword that names the parameter, which is the first one otherwise.
    """

    service: Service
    constructs: frozenset[str] = frozenset()
    activates: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    inspects: frozenset[str] = frozenset()
    program_methods: frozenset[str] = frozenset()
    inspect_names: frozenset[str] = frozenset()
    fixtures: frozenset[str] = frozenset()
    injects: str = ""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VERBS = "get post put patch delete head options request"

FAKE_LIBRARIES: dict[str, FakeLibrary] = {
    "fakeredis": FakeLibrary(
        "redis",
        constructs=_names(
            "FakeRedis FakeStrictRedis FakeAsyncRedis FakeServer FakeConnection FakeValkey FakeStrictValkey"
            " FakeAsyncValkey TcpFakeServer aioredis.FakeRedis aioredis.FakeConnection"
            " FakeRedis.from_url FakeStrictRedis.from_url FakeAsyncRedis.from_url aioredis.FakeRedis.from_url"
            " get_fake_connection"
        ),
    ),
    "mockredis": FakeLibrary(
        "redis",
        constructs=_names(
            "MockRedis mock_redis_client mock_strict_redis_client client.MockRedis"
            " client.mock_redis_client client.mock_strict_redis_client"
        ),
    ),
    "birdisle": FakeLibrary(
        "redis", constructs=_names("Server redis.StrictRedis redis.Redis redis.LocalSocketConnection")
    ),
    "mongomock": FakeLibrary("other", constructs=_names("MongoClient patch")),
    "mongomock_motor": FakeLibrary("other", constructs=_names("AsyncMongoMockClient")),
    "moto": FakeLibrary("other", constructs=_names("*mock_ *.mock_"), activates=_names("*mock_ *.mock_")),
    "responses": FakeLibrary(
        "http",
        constructs=_names("RequestsMock activate start"),
        activates=_names("activate mock"),
        programs=_names(
            f"add add_callback add_passthru add_passthrough upsert replace remove reset {_VERBS}"
            " mock.add mock.get mock.post _add_from_file"
        ),
        inspects=_names("calls registered"),
        program_methods=_names(f"add add_callback add_passthru upsert replace remove reset {_VERBS}"),
        inspect_names=_names("calls registered call_count"),
    ),
    "requests_mock": FakeLibrary(
        "http",
        constructs=_names("Mocker mock Adapter adapter.Adapter mocker.Mocker"),
        program_methods=_names(f"register_uri add_matcher reset reset_mock {_VERBS}"),
        inspect_names=_names("called called_once call_count last_request request_history"),
        fixtures=_names("requests_mock"),
        injects="kw",
    ),
    "respx": FakeLibrary(
        "http",
        constructs=_names("mock MockRouter MockTransport"),
        activates=_names("mock"),
        programs=_names(f"route add {_VERBS} request pop clear reset"),
        inspects=_names("calls"),
        program_methods=_names(f"route add pass_through respond mock pop clear reset rollback snapshot {_VERBS}"),
        inspect_names=_names("called call_count calls"),
        fixtures=_names("respx_mock"),
    ),
    "pytest_httpx": FakeLibrary(
        "http",
        constructs=_names("HTTPXMock"),
        program_methods=_names("add_response add_callback add_exception reset"),
        inspect_names=_names("get_request get_requests"),
        fixtures=_names("httpx_mock"),
    ),
    "aioresponses": FakeLibrary(
        "http",
        constructs=_names("aioresponses core.aioresponses"),
        program_methods=_names(f"add clear {_VERBS}"),
        inspect_names=_names("requests"),
        fixtures=_names("aioresponses mock_aioresponse"),
        injects="param",
    ),
    "httpretty": FakeLibrary(
        "http",
        constructs=_names("activate enable enabled httprettified HTTPretty.enable httpretty.enable"),
        activates=_names("activate httprettified"),
        programs=_names("register_uri reset HTTPretty.register_uri httpretty.register_uri"),
        inspects=_names("last_request latest_requests HTTPretty.last_request has_request"),
    ),
    "pook": FakeLibrary(
        "http",
        constructs=_names("on use activate engine.activate Engine"),
        activates=_names("on activate"),
        programs=_names(f"mock reset {_VERBS}"),
        inspects=_names("pending pending_mocks isdone unmatched_requests"),
        program_methods=_names(f"mock reply json persist times header headers {_VERBS}"),
        inspect_names=_names("calls total_matches matched"),
        fixtures=_names("pook"),
    ),
    "mocket": FakeLibrary(
        "other",
        constructs=_names("Mocketizer mocketize async_mocketize Mocket.enable"),
        activates=_names("mocketize async_mocketize"),
        programs=_names("mockhttp.Entry.single_register mockhttp.Entry.register plugins.httpretty.register_uri"),
    ),
    "vcr": FakeLibrary(
        "http",
        constructs=_names("use_cassette VCR.use_cassette"),
        activates=_names("use_cassette"),
        fixtures=_names("vcr vcr_cassette"),
    ),
}

FAKE_FIXTURES: dict[str, str] = {
    fixture: library for library, row in FAKE_LIBRARIES.items() for fixture in row.fixtures
}
"""Fixture name to the library whose plug-in hands it out."""
