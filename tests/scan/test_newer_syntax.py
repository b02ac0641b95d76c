"""Syntax that the running Python may not know is read all the same, each place where it stands."""

import json
import re
from pathlib import Path

import libcst
import pytest

from tests.scan.running import migrate, write

HEAD = "from unittest.mock import AsyncMock, Mock, patch\n"
TAIL = "made = Mock()\n"

SAMPLES = {
    "alias": "type Key = str\n",
    "alias with parameters": "type Pair[\n    A,\n    B: int, # ]\n] = tuple[A, B]\n",
    "aliases on one line": "if True: type A = int; type B = str\n",
    "alias in a class": "class Box:\n\ttype Item[T] = list[T]\n",
    "function": "def first[T: (int, str), *Ts, **P](rows: list[T]) -> T: ...\n",
    "function over lines": "def first[\n    T,\n\n](\n    rows: list[T] = [],\n): ...\n",
    "method": "class Box[T](list[T]):\n    async def put[U](self, item: U, *items: U): ...\n",
    "class": "class Box[T]: ...\n",
    "class over lines": "class Box[\n  T\n]: ...\n",
    "default": "class Box[T = dict[str, int], *Ts = *tuple[int, ...]]: ...\n",
    "group": "try: ...\nexcept* ValueError: ...\n",
    "two exceptions": "try: ...\nexcept ValueError, KeyError: ...\n",
    "two exceptions of a group": "try: ...\nexcept* ValueError, KeyError: ...\n",
    "same quotes": 'd = {"a": 1}\nx = f"é{d["a"]} {d["a"]:>{d["a"]}} {d["a"]!r}"\n',
    "backslash": 'x = f"{chr(10) + "\\n"}"\n',
    "comment": 'x = f"""{\n  1 # it\'s "one"\n}"""\n',
    "lines": 'x = f"{\n  1\n} and {2}"\n',
    "deep": 'x = f"{f"{f"{f"{1}"}"}"}"\n',
    "shown": 'd = {"a": 1}\nx = f"{d["a"] = } {d["a"]=!s:>{3}}"\n',
    "deep specification": 'x = f"{1:{2:{3}}}"\n',
    "concatenated": 'd = {"a": 1}\nx = (""\n  f"{d["a"]}" # one\n  "b" \'c\'\n  rf"\\d{d["a"]}")\n',
    "template": 'x = t"a {1!r:>{2}}"\ny = t""\nz = rt"\\d"\n',
    "template over lines": 'x = t"""\n{\n  1\n}"""\n',
    "soft": "type = 1\ntype X = int\ntype (X)\ny: type\nz = [type]\n",
}


def test_what_stands_after_new_syntax_is_found_in_its_place(tmp_path: Path) -> None:
    for number, text in enumerate(SAMPLES.values()):
        libcst.parse_module(text)
        write(tmp_path, f"test_{number:02}.py", HEAD + text + TAIL)
    expected = {}
    for number, (name, text) in enumerate(SAMPLES.items()):
        line = (HEAD + text).count("\n") + 1
        expected[name] = [(f"test_{number:02}.py", 1, 1, "RS101"), (f"test_{number:02}.py", line, 8, "RS201")]
    assert places(tmp_path) == [place for places in expected.values() for place in places]


INSIDE = """\
from unittest.mock import Mock, patch
def test_cache[T](made: T = Mock()):
    type Found[U] = list[U]
    m = Mock()
    print(f"é {"a" "b"} {m.call_count}" f"{m.x["k"].call_args!r:>{m.y.call_count}}")
    print(f"{f"{m.z.call_args_list}"} {
        Mock(name="}")  # ' {
    }")
    print(t"é {m.await_count}")
    try:
        m.assert_called_once()
    except ValueError, Mock(), KeyError:
        with patch(f"app.{"redis"}.client"): # mock-ok: it shows
            pass
class Box[T](Mock().base):
    made = Mock()
"""


def test_what_stands_within_new_syntax_is_found_in_its_place(tmp_path: Path) -> None:
    libcst.parse_module(INSIDE)
    write(tmp_path, "test_new.py", INSIDE)
    assert [place[1:] for place in places(tmp_path)] == [
        (1, 1, "RS101"),
        (2, 29, "RS201"),
        (4, 9, "RS201"),
        (5, 26, "RS602"),
        (5, 44, "RS602"),
        (5, 67, "RS602"),
        (6, 17, "RS602"),
        (7, 9, "RS201"),
        (9, 16, "RS602"),
        (11, 9, "RS601"),
        (12, 24, "RS201"),
        (13, 14, "RS302"),
        (15, 14, "RS201"),
        (16, 12, "RS201"),
    ]
    found = json.loads(migrate(tmp_path, "scan", "--format", "json").stdout)["violations"]
    assert [item["suppressed"] for item in found if item["code"] == "RS302"] == ["it shows"]
    assert {item["service"] for item in found if item["code"] == "RS302"} == {"redis"}


def test_our_own_files_give_the_same_places_when_they_end_in_new_syntax(tmp_path: Path) -> None:
    """The line at the end sends the whole file down the other road; everything before it must be seen alike."""
    here = Path(__file__).parent
    texts = {path.relative_to(here).as_posix(): path.read_text(encoding="utf-8") for path in here.rglob("*.py")}
    texts |= {
        path.relative_to(here).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
        for path in here.rglob("*.py.txt")
    }
    for name, text in texts.items():
        write(tmp_path / "plain", name, text)
        write(tmp_path / "newer", name, text + "\nlazy import nothing_that_is\n")
    plain, newer = (migrate(tmp_path / tree, "scan", "--format", "json") for tree in ("plain", "newer"))
    assert plain.returncode == newer.returncode == 0
    one, two = json.loads(plain.stdout), json.loads(newer.stdout)
    assert one["summary"]["violations"] > 500
    assert without_fix(two["violations"]) == without_fix(one["violations"])
    assert one["unreadable"] == two["unreadable"] == []


def without_fix(violations: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{key: value for key, value in item.items() if key not in ("fix", "reason")} for item in violations]


NO_PYTHON_3 = [
    'print "made"\n',
    "try: ...\nexcept ValueError, (a, b) as c: ...\n",
    "x = 0777\n",
    "type X[T = int\n",
    'x = f"{d["a"}"\n',
    'x = f"{}"\n',
    'x = f"}"\n',
    'x = f"{1!z}"\n',
    "x = `1`\n",
]


def test_what_is_no_python_3_is_listed(tmp_path: Path) -> None:
    for number, text in enumerate(NO_PYTHON_3):
        with pytest.raises(libcst.ParserSyntaxError):
            libcst.parse_module(text)
        write(tmp_path, f"test_{number}.py", HEAD + text)
    document = json.loads(migrate(tmp_path, "scan", "--format", "json").stdout)
    assert [item["path"] for item in document["unreadable"]] == [
        f"test_{number}.py" for number in range(len(NO_PYTHON_3))
    ]
    assert all(re.match(r"line [23]: ", item["error"]) for item in document["unreadable"])
    assert document["violations"] == []


def test_a_rewrite_keeps_new_syntax_as_it_is(tmp_path: Path) -> None:
    write(
        tmp_path,
        "test_new.py",
        "from unittest.mock import AsyncMock\n\ntype Key = str\n\n\n"
        "async def test_set[T]():\n    cache = AsyncMock(name='redis')\n"
        '    await cache.set(f"{"k"}", "v")\n    cache.set.assert_called_once_with(f"{"k"}", "v")\n',
    )
    shown = migrate(tmp_path, "apply", "--dry-run", "--allow-dirty")
    assert shown.returncode == 0, shown.stderr
    assert '\n+    assert await real_redis.get(f"{"k"}") == "v"\n' in shown.stdout
    assert "\n type Key = str\n" in shown.stdout


def places(tree: Path) -> list[tuple[str, int, int, str]]:
    done = migrate(tree, "scan", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["unreadable"] == []
    return [(item["path"], item["line"], item["column"], item["code"]) for item in document["violations"]]
