"""What holds for every file, generated or real."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator.applying import Only, apply
from migrator.config import load_config
from migrator.inventory import open_project
from migrator.plan import plan_project

KEY = st.sampled_from(['"k"', '"user:1"', 'f"user:{1}"', "KEY"])
VALUE = st.sampled_from(['"v"', "1", "VALUE", 'b"x"', "None", "{}", '{"id": 1}', "[]", "lambda: 1", "[1, 2]"])
METHOD = st.sampled_from(["get", "set", "delete", "execute", "fetchrow", "hset", "publish", "nothing_real", "insert"])
NAME = st.sampled_from(["mock_redis", "mock_database", "mock_clickhouse", "mock_http_client", "client", "cache"])
ASSERTION = st.sampled_from(
    ["assert_called_once_with", "assert_awaited_with", "assert_any_call", "assert_called_once", "assert_not_called"]
)


@st.composite
def statements(draw: st.DrawFn, name: str) -> str:
    method, key, value = draw(METHOD), draw(KEY), draw(VALUE)
    return draw(
        st.sampled_from(
            [
                f"{name}.{method}.return_value = {value}",
                f"{name}.{method}.side_effect = {value}",
                f"{name}.{method} = AsyncMock(return_value={value})",
                f"{name}.{method}.side_effect = ConnectionError()",
                f"result = await act({name}, {key})",
                f"service._client = {name}",
                f"{name}.{method}.{draw(ASSERTION)}({key}, {value})",
                f"{name}.{method}.{draw(ASSERTION)}()",
                f"assert {name}.{method}.call_count == 1",
                f"assert {name}.{method}.call_args[0][0] == {key}",
                f"assert {name}.{method}.called",
                f"{name}.reset_mock()",
                f"with pytest.raises(ValueError):\n        await act({name})",
                f"if {key}:\n        {name}.{method}({value})\n    else:\n        pass",
                f"alias = {name}",
                "pass",
                f"# about {name}\n    assert {value} != {key}",
            ]
        )
    )


@st.composite
def files(draw: st.DrawFn) -> str:
    parts = ["import pytest\nfrom unittest.mock import AsyncMock, MagicMock\n"]
    for number in range(draw(st.integers(1, 3))):
        name = draw(NAME)
        is_parameter = name.startswith("mock_") and draw(st.booleans())
        made = "" if is_parameter else f"    {name} = {draw(st.sampled_from(['AsyncMock()', 'MagicMock()']))}\n"
        body = "".join(f"    {draw(statements(name))}\n" for _ in range(draw(st.integers(1, 6))))
        kind = draw(st.sampled_from(["async def", "def"]))
        if kind == "def":
            body = body.replace("await ", "")
        indent = "    " if draw(st.booleans()) else ""
        owner = f"class TestIt{number}:\n" if indent else ""
        parameters = ", ".join([*(["self"] if indent else []), *([name] if is_parameter else [])])
        function = f"{kind} test_{number}({parameters}):\n{made}{body}"
        parts.append(owner + "".join(f"{indent}{line}\n" for line in function.splitlines()))
    fixtures = "".join(
        f"@pytest.fixture\ndef {name}():\n    return AsyncMock()\n\n\n"
        for name in ("mock_redis", "mock_database", "mock_clickhouse", "mock_http_client")
    )
    return parts[0] + "\n\n" + fixtures + "\n\n".join(parts[1:])


def applied(root: Path) -> None:
    config = load_config(root)
    apply(config, ["."], Only(), dry_run=False, allow_dirty=True, jobs=1, progress=None)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(files())
def test_apply_is_idempotent_and_what_it_writes_compiles(text: str) -> None:
    ast.parse(text)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        path = root / "test_it.py"
        path.write_text(text)
        applied(root)
        once = path.read_text()
        compile(once, "test_it.py", "exec")
        applied(root)
        assert path.read_text() == once


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_no_text_makes_the_scan_or_the_plan_fail(text: str) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        path = root / "test_it.py"
        path.write_bytes(f"mock = {text}\n".encode("utf-8", "surrogateescape"))
        before = path.read_bytes()
        project = open_project(root, ["."], load_config(root), jobs=1)
        plan_project(project)
        applied(root)
        assert path.read_bytes() == before


def test_a_file_without_violations_is_never_changed(tmp_path: Path) -> None:
    for source in sorted(Path(ast.__file__).parent.glob("*.py"))[:40]:
        with contextlib.suppress(UnicodeDecodeError):
            (tmp_path / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.glob("*.py")}
    assert len(before) > 30
    applied(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.glob("*.py")} == before
