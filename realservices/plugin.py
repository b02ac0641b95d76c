"""The pytest plugin. It is loaded in every run wherever the package is, so until switched on it imports pytest only."""

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from realservices.errors import ServiceError
from realservices.fixtures import NEEDS, SESSION, Fixtures

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("", "0", "false", "no", "off")
_PROVIDERS = ("auto", "external", "compose", "embedded")
_OPTION = "--real-services"
_NAMED = pytest.StashKey[list[str]]()  # the lines of the header
_FIXTURES = pytest.StashKey[Fixtures]()
_LACK = pytest.StashKey[str]()  # why the run cannot go on, in a worker of pytest-xdist


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --real-services."""
    parser.getgroup("real services").addoption(
        _OPTION,
        nargs="?",
        const="",
        default=None,
        metavar="PROVIDER",
        help="run tests on real services, from the given provider (auto, external, compose or embedded); "
        "USE_REAL_SERVICES=true does the same",
    )
    parser.getgroup("real services").addoption(
        "--real-services-report",
        nargs="?",
        const="",
        default=None,
        metavar="FILE",
        help="say at the end which tests were slowest, what services and isolation took, and what each service was "
        "asked; with --real-services-report=FILE, as JSON too",
    )
    parser.addini("ensure_no_mocks", "fail every test that makes a unittest.mock object", type="bool", default=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Iterator[None]:
    """Start what the application needs and tell it where, before a conftest.py can import it."""
    options = early_config.known_args_namespace
    if options.real_services not in (None, "", *_PROVIDERS):
        _give_back_path(early_config, args)
    try:
        provider = _provider(options.real_services)
        if provider is not None and not options.help and not options.version:
            if getattr(options, "forked", False):  # it would wait for ever for threads that stay in its parent
                raise ServiceError(
                    "--forked: a forked test has no connection to real services; use pytest-xdist's -n 2"
                )
            _open(early_config, provider)
    except ServiceError as error:
        # Not a UsageError, which pytest turns into exit code 4: bad input is 2 here, as of the command.
        print(f"ERROR: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Make the fixtures known, and watch the run for the ledger and the report."""
    session = config.stash.get(SESSION, None)
    config.stash[_FIXTURES] = Fixtures(session)
    config.pluginmanager.register(config.stash[_FIXTURES], "realservices-fixtures")
    if session is not None and (session.settings.ledger or config.option.real_services_report is not None):
        from realservices.recorder import Recorder

        config.pluginmanager.register(Recorder(config, session), "realservices-recorder")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Name the services that run."""
    session = config.stash.get(SESSION, None)
    if session is None:
        return []
    lines = [f"real services: {line}" for line in session.header()]
    config.stash[_NAMED] = lines
    return lines or ["real services: on; they start with the first test that wants them"]


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Name the services and applications that the collected tests made start."""
    session = config.stash.get(SESSION, None)
    if session is None:
        return []
    named = config.stash.get(_NAMED, [])
    return [line for line in (f"real services: {line}" for line in session.header()) if line not in named]


@pytest.hookimpl(tryfirst=True)  # before the terminal reporter's, which asks for the lines below
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start what the collected tests ask for, so that a service that cannot be had fails the run and no test."""
    _watch_for_mocks(session)
    services = session.config.stash.get(SESSION, None)
    if services is None or session.config.option.collectonly:
        return
    wanted = {
        need for item in session.items for name in getattr(item, "fixturenames", ()) for need in NEEDS.get(name, ())
    }
    try:
        services.start(wanted - {"apps"})
        if "apps" in wanted or any("{apps." in text for text in services.settings.env.values()):
            services.serve()
    except ServiceError as error:
        if not hasattr(session.config, "workerinput"):
            pytest.exit(str(error), returncode=2)
        # pytest-xdist has no way to end a worker's run before its first test.
        session.config.stash[_LACK] = str(error)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Undo what the tests before did.

    Before a test and not after it, so that one that crashed or never came to its end leaves nothing either; and for
    every test, as one that asks for no fixture may still reach a service through the application.
    """
    lack = item.config.stash.get(_LACK, None)
    if lack is not None:
        item.session.shouldfail = lack
        pytest.fail(lack, pytrace=False)
    session = item.config.stash.get(SESSION, None)
    if session is not None:
        session.reset()
        item.config.stash[_FIXTURES].hand_out(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Begin to undo what the test did, once its fixtures are gone."""
    yield
    session = item.config.stash.get(SESSION, None)
    if session is not None:
        session.begin_reset()


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> list[str] | None:
    """Say what was called instead, where the count of a journal is not the expected one."""
    if SESSION not in config.stash:
        return None
    from realservices.journal import Count

    return [left.explain(op, right)] if isinstance(left, Count) else None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the services back."""
    session = config.stash.get(SESSION, None)
    if session is not None:
        del config.stash[SESSION]
        session.close()


def _watch_for_mocks(session: pytest.Session) -> None:
    wanted = any("ensure_no_mocks" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted or session.config.getini("ensure_no_mocks"):
        from realservices.no_mocks import watch

        watch(session.config)


def _open(config: pytest.Config, provider: str) -> None:
    from realservices.config import load_settings
    from realservices.session import Session

    session = Session(load_settings(config.rootpath), provider or None, os.environ.get("PYTEST_XDIST_WORKER", "main"))
    config.stash[SESSION] = session
    os.environ.update(session.environment())


def _give_back_path(config: pytest.Config, args: list[str]) -> None:
    """Mend `--real-services tests`: argparse took the path for the provider."""
    options = config.known_args_namespace
    path = options.real_services
    for index, (name, value) in enumerate(itertools.pairwise(args)):
        if name == _OPTION and value == path and Path(path.partition("::")[0]).exists():
            args[index] = f"{_OPTION}="
            options.real_services = ""
            options.file_or_dir.append(path)
            return


def _provider(option: str | None) -> str | None:
    """The provider that was asked for, "" for the configured one, None when real services are off."""
    if option is None:
        said = os.environ.get("USE_REAL_SERVICES", "").strip().lower()
        if said not in _TRUE + _FALSE:
            raise ServiceError(f"environment: USE_REAL_SERVICES cannot be {said!r}; use true or false")
        return "" if said in _TRUE else None
    if option and option not in _PROVIDERS:
        raise ServiceError(
            f"--real-services: {option!r} is no provider; use one of {', '.join(_PROVIDERS)}, as --real-services=auto"
        )
    return option
