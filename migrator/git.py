"""The few questions that are asked of git; outside a repository they all have empty answers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrator.errors import UsageError

_REPOSITORY_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def repository(path: Path) -> Path | None:
    """The top folder of the work tree that a path lies in, submodules being their own; None outside of one."""
    return next((folder for folder in path.parents if (folder / ".git").exists()), None)


@dataclass(frozen=True, slots=True)
class Versions:
    """The text of a file in the index and in a commit; None where it is not there."""

    staged: bytes | None
    committed: bytes | None


def versions(top: Path, commit: str, names: Sequence[str]) -> dict[str, Versions]:
    """What the index and a commit have of files, names relative to the top, by one process for all of them.

    A commit that does not exist (yet) has nothing. Raises UsageError where git does not answer.
    """
    asked = [spec for name in names for spec in (f":0:{name}", f"{commit}:{name}")]
    end = b"\0" if any("\n" in name for name in names) else b"\n"
    arguments = ["cat-file", "--batch", *(["-z"] if end == b"\0" else [])]
    out = _must(top, arguments, b"".join(os.fsencode(spec) + end for spec in asked))
    answers = iter(_blobs(out, [os.fsencode(spec) for spec in asked]))
    return {name: Versions(staged, committed) for name, staged, committed in zip(names, answers, answers, strict=True)}


def _blobs(out: bytes, asked: Sequence[bytes]) -> Iterator[bytes | None]:
    """The answers of `cat-file --batch`: a line `oid type size`, the content and a newline; or the question again and
    why there is none.
    """
    at = 0
    for question in asked:
        if out.startswith((question + b" missing\n", question + b" ambiguous\n"), at):
            at = out.index(b"\n", at + len(question)) + 1
            yield None
            continue
        head = out.index(b"\n", at)
        _, kind, size = out[at:head].split(b" ")
        at = head + 1 + int(size) + 1
        yield out[head + 1 : at - 1] if kind == b"blob" else None


def moved(top: Path, commit: str) -> tuple[dict[str, str], list[str]]:
    """What the index renames (new name to old) and deletes of a commit's files, names relative to the top.

    Nothing of a commit that does not exist (yet).
    """
    try:
        out = _must(top, ["diff", "--cached", "--name-status", "-M", "-z", "--diff-filter=RD", commit, "--"])
    except UsageError:
        if has(top, commit):
            raise
        return {}, []
    renamed: dict[str, str] = {}
    deleted: list[str] = []
    parts = iter(os.fsdecode(out).split("\0"))
    for status in parts:
        if status.startswith("R"):
            old = next(parts)
            renamed[next(parts)] = old
        elif status:
            deleted.append(next(parts))
    return renamed, deleted


def has(top: Path, commit: str) -> bool:
    """Whether there is such a commit."""
    return _git(top, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}") is not None


def merge_base(top: Path, one: str, other: str) -> str | None:
    """The commit where two histories part; None where a shallow clone does not reach it."""
    out = _git(top, "merge-base", one, other)
    return out.decode().strip() if out else None


def _must(top: Path, arguments: Sequence[str], data: bytes = b"") -> bytes:
    # a hook's own GIT_DIR and GIT_INDEX_FILE are those of the repository it runs in, not of a submodule
    outer = repository(Path.cwd() / "x")
    environment = {key: value for key, value in os.environ.items() if outer == top or key not in _REPOSITORY_VARIABLES}
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=top, env=environment, input=data, capture_output=True, check=False
        )
    except OSError as error:
        raise UsageError(
            f"{top}: is a git repository, but git does not start ({error.strerror}); install git"
        ) from error
    if done.returncode:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[0]
        raise UsageError(f"{top}: git {arguments[0]} failed ({said}); mend the repository")
    return done.stdout


def changed(root: Path, paths: Sequence[str]) -> set[str]:
    """Those of the paths, relative to root, that differ from HEAD, staged or not; files git does not know are none."""
    found: set[str] = set()
    for arguments in (("diff", "--name-only"), ("diff", "--name-only", "--cached")):
        out = _git(root, *arguments, "-z", "--relative", "--no-renames", "--", *paths)
        if out:
            found.update(path for path in out.decode("utf-8", "surrogateescape").split("\0") if path)
    return found


def clean_head(root: Path) -> str:
    """The commit that is checked out; "" where tracked files differ from it, or outside of a repository."""
    head = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "--untracked-files=no")
    return head.decode().strip() if head and status == b"" else ""


def first_parents(root: Path) -> list[str]:
    """The commits of the first-parent line from HEAD, the newest first: "commit tree seconds" a line.

    Raises UsageError outside of a repository, and where there is no commit.
    """
    out = _git(root, "log", "--first-parent", "--format=%H %T %ct", "HEAD")
    if not out:
        raise UsageError(f"{root}: has no history; git has to know it, and to have a commit")
    return out.decode().splitlines()


def prefix(root: Path) -> str:
    """Where in its repository a folder lies: "services/billing/"; "" for the top, and outside of one."""
    return os.fsdecode((_git(root, "rev-parse", "--show-prefix") or b"").rstrip(b"\n"))


def is_shallow(root: Path) -> bool:
    """Whether a clone holds only a part of the history."""
    return _git(root, "rev-parse", "--is-shallow-repository") == b"true\n"


def files(root: Path, commit: str) -> Iterator[tuple[str, str]]:
    """The files of a commit below a folder, paths relative to it, each with its blob; links and submodules are none."""
    out = _must(root, ["ls-tree", "-r", "-z", commit, "."])
    for row in out.split(b"\0"):
        if row.startswith(b"100"):
            head, _, path = row.partition(b"\t")
            yield os.fsdecode(path), head.split(b" ")[2].decode()


def blobs(root: Path, names: Sequence[str]) -> Iterator[bytes]:
    """The contents of blobs, as git holds them. Raises UsageError where one is not there."""
    for start in range(0, len(names), _AT_ONCE):
        part = names[start : start + _AT_ONCE]
        out = _must(root, ["cat-file", "--batch"], "".join(f"{name}\n" for name in part).encode())
        for name, data in zip(part, _blobs(out, [name.encode() for name in part]), strict=True):
            if data is None:
                raise UsageError(
                    f"{root}: git has no blob {name}; a partial clone has to fetch it first: git fetch --refetch"
                )
            yield data


_AT_ONCE = 256
"""Blobs that are held in memory together."""
