"""Unified diffs that `git apply` accepts."""

from __future__ import annotations

import re

from migrator.hunks import hunks

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def unified(path: str, old: str, new: str) -> str:
    """The diff of one file, path relative to the root; "" where nothing changes."""
    before, after = _LINE.findall(old), _LINE.findall(new)
    name_old, name_new = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    lines = hunks(before, after)
    body = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return f"diff --git {name_old} {name_new}\n--- {name_old}\n+++ {name_new}\n{body}" if body else ""


def _quoted(name: str) -> str:
    """A path as git writes it: quoted with octal escapes where it has other than plain characters."""
    if re.fullmatch(r"[ -!#-\[\]-~]*", name):
        return name
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in (34, 92) else f"\\{byte:03o}" for byte in name.encode()
    )
    return f'"{escaped}"'
