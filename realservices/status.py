"""How the services are: the rows behind `migrate services status` and the monitor. Starts nothing."""

import json
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from realservices import probe
from realservices.config import Settings
from realservices.endpoints import Endpoint
from realservices.errors import ServiceError
from realservices.providers import SERVICES, compose, embedded, external


@dataclass(frozen=True, slots=True)
class Row:
    """One service as it is now. Times are seconds, memory is bytes; None is what is not known.

    `problem` says why a service is not healthy.
    """

    service: str
    healthy: bool
    provider: str
    version: str = ""
    address: str = ""
    latency: float | None = None
    uptime: float | None = None
    cpu_percent: float | None = None
    memory: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Usage:
    cpu_percent: float | None = None
    memory: int | None = None


def rows(settings: Settings, provider: str | None = None, services: Iterable[str] = SERVICES) -> list[Row]:
    """How each service is with `provider`, or with the one that `auto` would find running."""
    names = list(services)
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        return list(pool.map(lambda name: _row(name, settings, provider or settings.provider), names))


def _row(service: str, settings: Settings, provider: str) -> Row:
    candidates = _candidates(service, settings, provider)
    problems = []
    for name in candidates:
        try:
            endpoint, usage = _running(name, service, settings)
            facts = probe.facts_of(endpoint, settings.connection_timeout)
        except ServiceError as error:
            problems.append(f"{name}: {error}" if len(candidates) > 1 else str(error))
            continue
        return Row(
            service=service,
            healthy=True,
            provider=name,
            version=facts.version,
            address=f"{endpoint.host}:{endpoint.port}",
            latency=facts.latency,
            uptime=facts.uptime,
            cpu_percent=usage.cpu_percent,
            memory=usage.memory,
        )
    return Row(service, False, provider, problem="; ".join(problems))


def _candidates(service: str, settings: Settings, provider: str) -> list[str]:
    if provider != "auto":
        return [provider]
    named = [external.NAME] if settings.addresses[service].explicit else []
    composed = [compose.NAME] if compose.project_file(settings) and compose.engine_answers() else []
    return [*named, *composed, embedded.NAME]


def _running(provider: str, service: str, settings: Settings) -> tuple[Endpoint, _Usage]:
    """The endpoint of a service that runs, and what it uses. Raises ServiceError where it does not run."""
    if provider == external.NAME:
        return external.endpoint_of(service, settings), _Usage()
    if provider == compose.NAME:
        return compose.endpoint_of(service, settings), _usage_of_container(compose.container_id(service, settings))
    running = embedded.running(service, settings)
    if running is None:
        raise ServiceError("not started; run migrate services up --provider embedded")
    return embedded.endpoint_of(running), _usage_of_process(running.pid)


def _usage_of_process(pid: int) -> _Usage:
    try:
        import psutil
    except ImportError:  # figures are a courtesy
        return _Usage()
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        for member in family:
            member.cpu_percent()
        time.sleep(0.1)
        # Shared memory counts once: each process has its share of it.
        memory = sum(getattr(info := member.memory_full_info(), "pss", info.uss) for member in family)
        return _Usage(sum(member.cpu_percent() for member in family), memory)
    except psutil.Error:
        return _Usage()


def _usage_of_container(identifier: str) -> _Usage:
    command = ["docker", "stats", "--no-stream", "--format", "{{json .}}", identifier]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0 or not done.stdout.strip():
        return _Usage()
    figures = json.loads(done.stdout)
    return _Usage(float(figures["CPUPerc"].rstrip("%")), _bytes(figures["MemUsage"].split("/")[0].strip()))


def _bytes(text: str) -> int:
    units = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "GB": 10**9, "MB": 10**6, "kB": 10**3, "B": 1}
    unit = next(unit for unit in units if text.endswith(unit))
    return int(float(text.removesuffix(unit)) * units[unit])
