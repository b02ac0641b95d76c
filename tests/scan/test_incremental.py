"""After a change, a scan that does only some files again says what a scan of the whole tree says."""

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import migrator.demo
from tests.scan.running import MOCKED, migrate, write
from tests.scan.test_labelled import unpacked

DEMO = Path(migrator.demo.__file__).parent / "project"
LINE = re.compile(r"assert|mock|Mock|patch|fixture|import|return|fake|class |await")
DEFINITION = re.compile(r"(?m)^(?: {4})?(?:async )?(?:def|class) ")


class Tree:
    """A tree, a cache of its own, and the random edits of one seed."""

    def __init__(self, root: Path, cache: Path, seed: int = 0) -> None:
        self.root = root
        self.cache = cache
        self.random = random.Random(seed)
        self.again: list[int | None] = []
        """Of each scan, how many files were done again; None where all were."""

    def scan(self, *arguments: str) -> str:
        """What a scan says, which must be what it says without a cache."""
        command = ("scan", "--format", "json", *arguments)
        done = migrate(self.root, *command, MIGRATE_CACHE_DIR=str(self.cache), MIGRATE_VERBOSE="1")
        fresh = migrate(self.root, *command, "--no-cache")
        said = re.search(r"^migrate: (\d+) of \d+ files again\n", done.stderr, re.MULTILINE)
        self.again.append(int(said[1]) if said else None)
        rest = done.stderr.replace(said[0], "") if said else done.stderr
        assert (done.returncode, done.stdout, rest) == (fresh.returncode, fresh.stdout, fresh.stderr)
        return done.stdout

    def tests(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*.py") if "test" in path.relative_to(self.root).as_posix())

    def edit(self) -> str:
        """Makes one change and names it."""
        change = self.random.choice(EDITS)
        path = self.random.choice(self.tests())
        change(self, path)
        return f"{change.__name__} {path.relative_to(self.root)}"

    def number(self) -> int:
        return self.random.randrange(10_000)


def shift(tree: Tree, path: Path) -> None:
    path.write_bytes(b"# moved\n" + path.read_bytes())


def append(tree: Tree, path: Path) -> None:
    every = sorted(tree.root.rglob("*.py"))
    other = tree.random.choice(every)
    other.write_bytes(other.read_bytes() + f"\nADDED_{tree.number()} = 1\n".encode())


def definitions(path: Path) -> tuple[str, list[tuple[int, int]]]:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    starts = [found.start() for found in DEFINITION.finditer(text)]
    return text, list(zip(starts, [*starts[1:], len(text)], strict=True))


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def cut(tree: Tree, path: Path) -> None:
    text, spans = definitions(path)
    if spans:
        start, end = tree.random.choice(spans)
        put(path, text[:start] + text[end:])


def double(tree: Tree, path: Path) -> None:
    text, spans = definitions(path)
    if spans:
        start, end = tree.random.choice(spans)
        again = re.sub(r"(def|class) (\w+)", lambda found: f"{found[0]}_{tree.number()}", text[start:end], count=1)
        put(path, text[:end] + again + text[end:])


def cut_line(tree: Tree, path: Path) -> None:
    lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    if said := [number for number, line in enumerate(lines) if LINE.search(line)]:
        del lines[tree.random.choice(said)]
        put(path, "\n".join(lines))


def allow(tree: Tree, path: Path) -> None:
    lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    if said := [number for number, line in enumerate(lines) if "Mock(" in line or "assert_" in line]:
        lines[tree.random.choice(said)] += tree.random.choice(["  # mock-ok: it may", "  # mock-ok"])
        put(path, "\n".join(lines))


def delete(tree: Tree, path: Path) -> None:
    path.unlink()


def copy(tree: Tree, path: Path) -> None:
    shutil.copy(path, path.with_name(f"test_copy_{tree.number()}.py"))


def rename(tree: Tree, path: Path) -> None:
    path.rename(path.with_name(f"{path.stem}_{tree.number()}.py"))


def break_(tree: Tree, path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\ndef (:\n")


FIXTURES = (
    "def mock_redis():\n    from unittest.mock import AsyncMock\n\n    return AsyncMock()\n",
    "def mock_redis():\n    return object()\n",
    "def store(mock_redis):\n    return {'redis': mock_redis}\n",
    "def keeper(db):\n    from unittest.mock import AsyncMock\n\n    return AsyncMock()\n",
    "def plain(tmp_path):\n    return tmp_path\n",
)


def fixture(tree: Tree, path: Path) -> None:
    conftest = path.parent / "conftest.py"
    before = conftest.read_text(encoding="utf-8") if conftest.exists() else ""
    put(conftest, f"{before}\n\nimport pytest\n\n@pytest.fixture\n{tree.random.choice(FIXTURES)}")


def request(tree: Tree, path: Path) -> None:
    name = tree.random.choice(["mock_redis", "store", "keeper", "db", "thing"])
    test = (
        f"\n\nasync def test_{tree.number()}({name}):\n    await {name}.get('k')\n    {name}.get.assert_called_once()\n"
    )
    path.write_bytes(path.read_bytes() + test.encode())


def helper(tree: Tree, path: Path) -> None:
    made = tree.random.choice(["AsyncMock()", "None", "object()"])
    put(
        path.parent / "making_things.py",
        f"from unittest.mock import AsyncMock\n\n\ndef make_redis():\n    return {made}\n",
    )
    test = (
        f"\n\nfrom making_things import make_redis\n\n\ndef test_{tree.number()}():\n"
        "    redis = make_redis()\n    redis.get('k')\n    redis.get.assert_called_once_with('k')\n"
    )
    path.write_bytes(path.read_bytes() + test.encode())


def derive(tree: Tree, path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    if found := re.search(r"(?m)^class (\w+)", text):
        put(
            path.with_name(f"test_derived_{tree.number()}.py"),
            f"from {path.stem} import {found[1]}\n\n\nclass TestDerived({found[1]}):\n    def test_more(self):\n"
            "        self.redis.get.assert_called_once()\n",
        )


EDITS: list[Callable[[Tree, Path], None]] = [
    *(shift, append, cut, double, cut_line, cut_line, allow, delete, copy, rename, break_),
    *(fixture, fixture, request, request, helper, derive),
]


@pytest.mark.parametrize(("sample", "seed"), [("labelled", 1), ("demo", 2)])
def test_random_edits(tmp_path: Path, sample: str, seed: int) -> None:
    root = tmp_path / "tree"
    if sample == "demo":
        shutil.copytree(DEMO, root, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        unpacked(root)
        shutil.rmtree(root / "sceptic/tests/real")  # of a tree with such fixtures nothing is recorded
    tree = Tree(root, tmp_path / "cache", seed)
    tree.scan()
    done = []
    for _ in range(7):
        done += [tree.edit() for _ in range(tree.random.choice((1, 1, 1, 2, 3)))]
        try:
            tree.scan()
        except AssertionError as error:
            raise AssertionError("after " + ", ".join(done)) from error
    used = [number for number in tree.again if number is not None]
    assert len(used) >= 3, tree.again


MANY = 15


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "project"
    write(root, "pyproject.toml", "[tool.migrate]\n")
    for number in range(MANY):
        write(root, f"tests/test_{number}.py", MOCKED)
    made = Tree(root, tmp_path / "cache")
    made.scan()
    assert made.again.pop() is None
    return made


def after(tree: Tree, name: str, text: str) -> int | None:
    """How many files are done again once a file has that text."""
    write(tree.root, name, text)
    tree.scan()
    return tree.again[-1]


def test_only_what_has_changed_is_done_again(tree: Tree) -> None:
    assert after(tree, "tests/test_3.py", MOCKED + "\n\ndef test_more():\n    pass\n") == 1
    assert after(tree, "tests/test_new.py", MOCKED) == 1
    (tree.root / "tests/test_5.py").unlink()
    tree.scan()
    assert tree.again[-1] == 0


def test_what_uses_what_has_changed_is_done_again(tree: Tree) -> None:
    helper = "from unittest.mock import AsyncMock\n\n\ndef make():\n    return AsyncMock()\n"
    user = "from tests.helpers import make\n\n\ndef test_a():\n    redis = make()\n    redis.get.assert_called_once()\n"
    write(tree.root, "tests/helpers.py", helper)
    for number in range(3):
        write(tree.root, f"tests/test_use_{number}.py", user)
    tree.scan()
    assert after(tree, "tests/helpers.py", helper.replace("AsyncMock()", "object()")) == 4


def test_a_module_that_was_not_there_is_seen(tree: Tree) -> None:
    user = "from tests.absent import make\n\n\ndef test_a():\n    make().get.called\n"
    assert after(tree, "tests/test_use.py", user) is not None
    assert after(tree, "tests/absent.py", "from unittest.mock import Mock\n\n\ndef make():\n    return Mock()\n") == 2
    (tree.root / "tests/absent.py").unlink()
    tree.scan()


def test_what_a_fixture_is_used_for_elsewhere_is_seen(tree: Tree) -> None:
    thing = (
        "from unittest.mock import AsyncMock\n\nimport pytest\n\n\n"
        "@pytest.fixture\ndef thing():\n    return AsyncMock()\n"
    )
    use = "async def test_a(thing):\n    await thing.{method}('k', 1)\n    thing.assert_awaited_once()\n"
    write(tree.root, "tests/sub/conftest.py", thing)
    for number, method in enumerate(("run", "setex", "hset")):
        write(tree.root, f"tests/sub/test_use_{number}.py", use.format(method=method))
    first = tree.scan()
    write(tree.root, "tests/sub/test_use_1.py", use.format(method="run"))
    write(tree.root, "tests/sub/test_use_2.py", use.format(method="fetchrow"))
    assert tree.scan() != first


def test_what_the_application_asks_is_seen(tree: Tree) -> None:
    application = "async def load(redis, name):\n    return await redis.get({key})\n"
    test = (
        "from unittest.mock import AsyncMock\n\nimport pytest\n\nfrom shop import load\n\n\n@pytest.fixture\n"
        "def mock_redis():\n    return AsyncMock()\n\n\nasync def test_load(mock_redis):\n"
        "    mock_redis.get.return_value = 'v'\n    assert await load(mock_redis, 'n') == 'v'\n"
    )
    write(tree.root, "shop.py", application.format(key="f'user:{name}'"))
    write(tree.root, "tests/test_shop.py", test)
    tree.scan()
    assert after(tree, "shop.py", application.format(key="name + str(id(name))")) == 1
    assert after(tree, "shop.py", "") == 1


def test_who_mentions_nothing_of_a_change_is_not_done_again(tree: Tree) -> None:
    fixture = "\n\n@pytest.fixture\ndef {name}():\n    return {value}\n"
    conftest = "from unittest.mock import AsyncMock\n\nimport pytest\n"
    conftest += fixture.format(name="mock_redis", value="AsyncMock()")
    application = "def {other}():\n    return 1\n\n\nasync def load(redis, name):\n    return await redis.get({key})\n"
    test = (
        "from shop import load\n\n\nasync def test_load(mock_redis):\n"
        "    mock_redis.get.return_value = 'v'\n    assert await load(mock_redis, 'n') == 'v'\n"
    )
    write(tree.root, "shop.py", application.format(other="count", key="f'user:{name}'"))
    write(tree.root, "tests/sub/conftest.py", conftest)
    for number in range(3):
        write(tree.root, f"tests/sub/test_shop_{number}.py", test)
    write(tree.root, "tests/sub/test_ledger.py", test + "\n\ndef test_ledger(ledger):\n    ledger.close()\n")
    tree.scan()
    assert after(tree, "shop.py", application.format(other="total", key="f'user:{name}'")) == 0
    assert (
        after(tree, "shop.py", application.format(other="total", key="str(id(name))")) == 5
    )  # with the fixture, which stays
    assert after(tree, "tests/sub/conftest.py", conftest + fixture.format(name="unused", value="object()")) == 1
    assert after(tree, "tests/sub/conftest.py", conftest + fixture.format(name="ledger", value="object()")) == 2
    assert after(tree, "tests/sub/conftest.py", conftest + fixture.format(name="real_redis", value="object()")) == 5


def test_what_is_held_back_elsewhere_is_seen(tree: Tree) -> None:
    """A test cannot move while a fixture that requests the same mock cannot: its reason names the fixture's line."""
    conftest = (
        "from unittest.mock import AsyncMock\n\nimport pytest\n\n\n@pytest.fixture\ndef shared_redis():\n"
        "    return AsyncMock()\n\n\n@pytest.fixture{scope}\ndef filled(shared_redis):\n"
        "    shared_redis.get.return_value = 'v'\n    return shared_redis\n"
    )
    test = (
        "async def test_a(filled, shared_redis):\n    await shared_redis.set('k', 'v')\n"
        "    shared_redis.set.assert_called_once_with('k', 'v')\n"
    )
    write(tree.root, "tests/sub/conftest.py", conftest.format(scope=""))
    write(tree.root, "tests/sub/test_a.py", test)
    tree.scan()
    for text in (
        conftest.format(scope="(scope='module')"),
        "# moved\n" + conftest.format(scope="(scope='module')"),
        "# moved\n" + conftest.format(scope=""),
    ):
        assert after(tree, "tests/sub/conftest.py", text) is not None


def test_a_new_name_of_a_mock_fixture_is_looked_for_everywhere(tree: Tree) -> None:
    write(tree.root, "tests/test_plain.py", "def test_a(ledger):\n    ledger.close()\n")
    first = json.loads(tree.scan())["summary"]["violations"]
    ledger = "from unittest.mock import Mock\n\nimport pytest\n\n\n@pytest.fixture\ndef ledger():\n    return Mock()\n"
    write(tree.root, "tests/conftest.py", ledger)
    assert json.loads(tree.scan())["summary"]["violations"] == first + 4
    (tree.root / "tests/conftest.py").unlink()
    assert json.loads(tree.scan())["summary"]["violations"] == first


def test_who_mentions_a_new_name_is_found(tree: Tree) -> None:
    fixture = "\n\n@pytest.fixture\ndef {name}():\n    return {value}\n"
    conftest = "from unittest.mock import AsyncMock\n\nimport pytest\n"
    conftest += fixture.format(name="mock_redis", value="AsyncMock()")
    use = "def test_a(mock_redis{more}):\n    mock_redis.get.assert_called()\n"
    write(tree.root, "tests/sub/conftest.py", conftest)
    for number in range(3):
        write(tree.root, f"tests/sub/test_use_{number}.py", use.format(more=""))
    write(tree.root, "tests/sub/test_ledger.py", use.format(more=", ledger"))
    # nothing of it speaks of mocks: it was not even read
    write(tree.root, "tests/sub/test_plain.py", "def test_a(books):\n    books.ledger.close()\n")
    tree.scan()
    assert after(tree, "tests/sub/conftest.py", conftest + fixture.format(name="ledger", value="AsyncMock()")) == 3
    assert after(tree, "tests/sub/test_plain.py", "def test_a(ledger):\n    ledger.close()\n") == 3


def test_a_name_that_comes_and_goes_concerns_only_who_requests_it(tree: Tree) -> None:
    fixture = "\n\n@pytest.fixture\ndef {name}():\n    return AsyncMock()\n"
    conftest = "from unittest.mock import AsyncMock\n\nimport pytest\n" + fixture.format(name="mock_redis")
    write(tree.root, "tests/sub/conftest.py", conftest)
    write(tree.root, "tests/sub/test_use.py", "def test_a(mock_redis):\n    mock_redis.get.assert_called()\n")
    # it has no word of a mock: it is listed only while there is a mock fixture of that name
    write(tree.root, "tests/sub/test_plain.py", "def test_a(ledger):\n    ledger.close()\n")
    write(tree.root, "tests/sub/test_user.py", "from tests.sub.test_plain import test_a\n\nthing = test_a\n")
    tree.scan()
    assert after(tree, "tests/sub/conftest.py", conftest + fixture.format(name="ledger")) == 2
    assert after(tree, "tests/sub/conftest.py", conftest + fixture.format(name="books")) == 1
    assert after(tree, "tests/sub/conftest.py", conftest + "\n\nNOTHING = 1\n") == 1
    assert after(tree, "tests/sub/conftest.py", conftest + fixture.format(name="ledger") + "\n") == 2


def test_who_looks_at_a_file_sees_it_whole_once_it_is_read_whole(tree: Tree) -> None:
    fixture = "\n\n@pytest.fixture\ndef {name}():\n    return AsyncMock()\n"
    conftest = "from unittest.mock import AsyncMock\n\nimport pytest\n" + fixture.format(name="mock_redis")
    plain = "def made(ledger):\n    return ledger\n\n\ndef test_a(ledger):\n    made(ledger).close()\n"
    user = "from unittest.mock import Mock\n\nfrom tests.sub.test_plain import made\n\n\ndef test_a():\n"
    user += "    thing = made(Mock())\n    thing.close.assert_called_once()\n    assert thing.called\n"
    write(tree.root, "tests/sub/conftest.py", conftest)
    write(tree.root, "tests/sub/test_plain.py", plain)
    write(tree.root, "tests/sub/test_user.py", user)
    tree.scan()
    after(tree, "tests/sub/conftest.py", conftest + fixture.format(name="ledger"))
    after(tree, "tests/sub/conftest.py", conftest)


def test_what_was_empty_touches_only_what_it_defines(tree: Tree) -> None:
    user = "import tests.sub\nfrom tests.sub import {name}\n\n\ndef test_a(mock_redis):\n    mock_redis.get({name})\n"
    write(tree.root, "tests/sub/__init__.py", "")
    for number in range(3):
        write(tree.root, f"tests/sub/test_use_{number}.py", user.format(name=f"name_{number}"))
    tree.scan()
    assert after(tree, "tests/sub/__init__.py", "def name_1():\n    return 1\n") == 1
    mock = "from unittest.mock import Mock\n\nname_2 = Mock()\n"
    assert after(tree, "tests/sub/__init__.py", mock) is not None


def test_damaged_records_are_not_believed(tree: Tree) -> None:
    (records,) = tree.cache.glob("*.records")
    data = bytearray(records.read_bytes())
    data[len(data) // 2] ^= 1
    records.write_bytes(data)
    assert after(tree, "tests/test_1.py", MOCKED * 2) is None
    assert after(tree, "tests/test_1.py", MOCKED * 3) == 1


def test_another_question_has_records_of_its_own(tree: Tree) -> None:
    write(tree.root, "tests/test_1.py", MOCKED * 2)
    tree.scan("tests/test_1.py")
    assert tree.again[-1] is None
    tree.scan()
    assert tree.again[-1] == 1
    write(tree.root, "pyproject.toml", "[tool.migrate]\n[tool.migrate.services]\nmock_redis = 'http'\n")
    tree.scan()
    assert tree.again[-1] is None
