"""docker-compose.test.yml: the guide's services, valid by the Compose specification, and fit for an override file."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import redis
import yaml

from realservices.config import load_settings
from realservices.providers import embedded

from .conftest import nobody

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.test.yml"
OVERRIDE = """
version: '3.8'
services:
  test-postgres:
    environment:
      POSTGRES_SHARED_BUFFERS: 96MB
      POSTGRES_WORK_MEM: 6MB
    ports: ["25432:5432"]
  test-redis:
    command: |
      redis-server
        --maxmemory 64mb
        --maxmemory-policy allkeys-lru
  test-clickhouse:
    environment: {CLICKHOUSE_MAX_MEMORY_USAGE: 3000000000}
"""


@pytest.fixture
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


@pytest.fixture
def merged(compose: dict[str, Any]) -> dict[str, Any]:
    result = _merge(compose, yaml.safe_load(OVERRIDE))
    assert isinstance(result, dict)
    return result


def _merge(base: object, over: object, key: str = "") -> object:
    """Compose's rules for what is used here: mappings merge, lists append, scalars and commands are replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {
            name: _merge(base[name], over[name], name) if name in base and name in over else {**base, **over}[name]
            for name in {**base, **over}
        }
    if isinstance(base, list) and isinstance(over, list) and key not in ("command", "entrypoint", "test"):
        return [*base, *over]
    return over


def _unescaped(value: str) -> str:
    return value.replace("$$", "$")


def test_the_official_schema_accepts_it() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_official_schema_accepts_it_with_an_override(merged: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "merged.yml"
    path.write_text(yaml.safe_dump(merged))
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_package_carries_it() -> None:
    assert FILE.read_text() == (files("realservices") / "docker-compose.test.yml").read_text()


def test_services_ports_and_credentials(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"test-postgres", "test-redis", "test-clickhouse", "test-seeder", "test-monitor"}
    for service, image, port in [
        ("test-postgres", "postgres:15", "5434:5432"),
        ("test-redis", "redis:7", "6381:6379"),
        ("test-clickhouse", "clickhouse/clickhouse-server:23", "8125:8123"),
        ("test-monitor", "", "9090:9090"),
    ]:
        assert services[service].get("image", "").startswith(image)
        assert services[service]["ports"] == [f"127.0.0.1:{port}"]
        assert services[service]["container_name"] == f"netra-{service}"
        assert "healthcheck" in services[service]
    for name in ("test-postgres", "test-redis", "test-clickhouse"):
        assert services[name]["tmpfs"]
    for name in ("test-seeder", "test-monitor"):
        assert {service["condition"] for service in services[name]["depends_on"].values()} == {"service_healthy"}
        assert services[name]["command"][:2] == ["migrate", "services"]
        assert "dockerfile_inline" in services[name]["build"]
    login = services["test-postgres"]["environment"]
    assert (login["POSTGRES_USER"], login["POSTGRES_PASSWORD"]) == ("test_user", "test_pass")
    # The seeder and the monitor log in as the servers expect, and so does who sets only the guide's variables.
    seeder = services["test-seeder"]["environment"]
    assert seeder["TEST_POSTGRES_PASSWORD"] == login["POSTGRES_PASSWORD"]
    address = load_settings(Path("/")).postgres.address
    assert (address.user, address.password, address.database) == tuple(
        login[name] for name in ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB")
    )
    click = services["test-clickhouse"]["environment"]
    address = load_settings(Path("/")).clickhouse.address
    assert (address.user, address.password, address.database) == tuple(
        click[name] for name in ("CLICKHOUSE_USER", "CLICKHOUSE_PASSWORD", "CLICKHOUSE_DB")
    )


def test_the_seeders_and_monitors_commands_exist(compose: dict[str, Any]) -> None:
    for name in ("test-seeder", "test-monitor"):
        arguments = [*compose["services"][name]["command"][1:], "--help"]
        script = f"import sys; sys.argv[1:] = {arguments!r}; from migrator.cli import main; main()"
        assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


def test_an_override_adds_a_port_and_keeps_the_rest(merged: dict[str, Any], compose: dict[str, Any]) -> None:
    assert merged["services"]["test-postgres"]["ports"] == ["127.0.0.1:5434:5432", "25432:5432"]
    assert merged["services"]["test-postgres"]["command"] == compose["services"]["test-postgres"]["command"]


@pytest.mark.parametrize(
    ("setting", "value"), [("shared_buffers", str(96 << 7)), ("work_mem", str(6 << 10)), ("fsync", "off")]
)
def test_postgres_starts_with_the_overrides_environment(
    setting: str, value: str, merged: dict[str, Any], tmp_path: Path
) -> None:
    # PostgreSQL tells its settings to nobody but an ordinary user who has a configuration file.
    service = merged["services"]["test-postgres"]
    binaries = Path(embedded.recipe_of("postgres", load_settings(tmp_path)).binary)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "postgresql.conf").write_text("")
        _entrypoint(folder, f'shift; exec {binaries}/postgres "$@" -C {setting}')
        user = nobody()
        done = subprocess.run(
            [_unescaped(word) for word in service["command"]],
            env={"PATH": f"{folder}:{os.environ['PATH']}", "PGDATA": name, **_environment(service)},
            capture_output=True,
            text=True,
            cwd="/",
            user=None if user is None else user.pw_uid,
            extra_groups=None if user is None else [],
        )
    assert done.stdout.strip() == value, done.stderr


def test_redis_keeps_the_speed_settings_under_the_overrides_command(merged: dict[str, Any], tmp_path: Path) -> None:
    service = merged["services"]["test-redis"]
    binary = embedded.recipe_of("redis", load_settings(tmp_path)).binary
    socket = f"/tmp/realservices-compose-{os.getpid()}.sock"
    _entrypoint(tmp_path, f'shift; exec {binary} "$@" --port 0 --unixsocket {socket} --dir {tmp_path}')
    command = [*(_unescaped(word) for word in service["entrypoint"]), *service["command"].split()]
    server = subprocess.Popen(command, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not Path(socket).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        client = redis.Redis(unix_socket_path=socket, decode_responses=True)
        got = client.config_get("maxmemory", "save", "appendonly", "maxmemory-policy", "databases")
        assert got == {
            "maxmemory": str(64 << 20),
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "allkeys-lru",
            "databases": "256",
        }
    finally:
        server.kill()
        server.wait()
        Path(socket).unlink(missing_ok=True)


def test_clickhouse_takes_its_memory_limit_from_the_environment(merged: dict[str, Any]) -> None:
    assert merged["services"]["test-clickhouse"]["environment"]["CLICKHOUSE_MAX_MEMORY_USAGE"] == 3_000_000_000
    names = {config["source"] for config in merged["services"]["test-clickhouse"]["configs"]}
    assert names == set(merged["configs"])
    users = ElementTree.fromstring(merged["configs"]["clickhouse-users"]["content"])
    limit = users.find("profiles/default/max_memory_usage")
    assert limit is not None and limit.get("from_env") == "CLICKHOUSE_MAX_MEMORY_USAGE"
    ElementTree.fromstring(merged["configs"]["clickhouse-server"]["content"])


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0,
    reason="there is no docker compose",
)
def test_docker_compose_itself_accepts_both(tmp_path: Path) -> None:
    override = tmp_path / "override.yml"
    override.write_text(textwrap.dedent(OVERRIDE))
    for extra in ([], ["-f", str(override)]):
        done = subprocess.run(
            ["docker", "compose", "-f", str(FILE), *extra, "config", "--quiet"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def _environment(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in service["environment"].items()}


def _entrypoint(folder: Path, script: str) -> None:
    """What the images call docker-entrypoint.sh, here as plain as can be."""
    path = folder / "docker-entrypoint.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
