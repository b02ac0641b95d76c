"""The baseline file: today's violations, one entry a line in a stable order, so that it merges cleanly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from migrator.errors import UsageError
from migrator.fingerprint import Marks, surviving

NAME = ".migrate-baseline"
ATTRIBUTES = ".gitattributes"
_BLOCK = re.compile(rb"([^\t\n]*\t)[^\n]*\n?(?:\1[^\n]*\n?)*|[^\n]+\n?")
"""The lines of a file, which stand together if nothing has merged them; or a line that is no entry."""


def write_baseline(path: Path, baseline: Mapping[str, Counter[str]]) -> None:
    """Writes one line an entry: path, tab, count, tab, fingerprint; sorted. Raises OSError."""
    lines = [
        f"{file}\t{number}\t{mark}\n"
        for file, marks in sorted((_quoted(path), marks) for path, marks in baseline.items())
        for mark, number in sorted(marks.items())
        if number
    ]
    path.write_bytes("".join(lines).encode())


def read_baseline(path: Path) -> Marks | None:
    """The baseline of a root, None where it has none. Raises UsageError on a line that is no entry.

    An entry that a merge left twice counts as often as the larger of the two says.
    """
    data = _read(path)
    return _entries(path, data) if data is not None else None


def read_some(path: Path, wanted: Callable[[str], bool]) -> Marks:
    """The entries of the files that are wanted, in whatever order they stand. Raises UsageError as `read_baseline`."""
    data = _read(path) or b""
    chosen: list[bytes] = []
    for block in _BLOCK.finditer(data):
        file = _unquoted((block[1] or block[0]).rstrip(b"\t\r\n").decode("utf-8", "replace"))
        if not file or wanted(file):
            chosen.append(block[0])
    try:
        return _entries(path, b"".join(chosen))
    except UsageError:
        return _entries(path, data)  # it knows the line's number


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); make it readable") from error


def _entries(path: Path, data: bytes) -> Marks:
    found: Marks = {}
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        parts = line.rstrip("\r").split("\t")
        if parts == [""]:
            continue
        file = _unquoted(parts[0])
        if file is None or len(parts) != 3 or not parts[1].isdecimal() or parts[2].count(" ") < 2:
            raise UsageError(
                f"{path}:{number}: is no baseline entry; take both sides of the merge, without its markers, "
                "and run migrate baseline --update"
            )
        marks = found.setdefault(file, Counter())
        marks[parts[2]] = max(marks[parts[2]], int(parts[1]))
    return found


def shrunk(old: Marks, new: Marks, scanned: Sequence[str]) -> Marks:
    """What of the old baseline is still there, below the scanned paths; the rest stays as it is."""
    mine = {path: marks for path, marks in old.items() if below(path, scanned)}
    return {**{path: marks for path, marks in old.items() if path not in mine}, **surviving(mine, new, {})}


def grown(old: Marks, new: Marks, scanned: Sequence[str]) -> Marks:
    """The new violations below the scanned paths; the rest stays as it is."""
    return {**{path: marks for path, marks in old.items() if not below(path, scanned)}, **new}


def total(marks: Mapping[str, Counter[str]]) -> int:
    """How many violations a baseline stands for."""
    return sum(counted.total() for counted in marks.values())


def merges_by_union(folder: Path) -> bool:
    """Lets git merge the baseline of a folder by keeping both sides' lines: entries that come back so go with the next
    update. Whether anything had to be written. Raises OSError.
    """
    path = folder / ATTRIBUTES
    text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
    if any(line.split()[:1] in ([NAME], [f"/{NAME}"]) for line in text.splitlines()):
        return False
    end = "" if not text or text.endswith("\n") else "\n"
    path.write_text(f"{text}{end}/{NAME} merge=union\n", encoding="utf-8", errors="surrogateescape")
    return True


def below(path: str, folders: Sequence[str]) -> bool:
    """Whether a path is one of some files and folders, or in one."""
    return any(folder in (".", path) or path.startswith(folder + "/") for folder in folders)


def _quoted(path: str) -> str:
    """A path on one line, as UTF-8, whatever bytes its name has."""
    plain = path.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return plain.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _unquoted(text: str) -> str | None:
    if "\\" not in text:
        return text
    try:
        return text.encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "surrogateescape")
    except UnicodeError:
        return None
