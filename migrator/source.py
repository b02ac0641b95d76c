"""Reading source files as Python does: cookies, byte order marks, any newline."""

from __future__ import annotations

import codecs
import io
import tokenize
from pathlib import Path


def encoding_of(data: bytes) -> str:
    """The encoding that the bytes declare (PEP 263), "utf-8-sig" with a byte order mark, "utf-8" else.

    Raises SyntaxError on an unknown cookie or one that contradicts the mark.
    """
    if not data.startswith(codecs.BOM_UTF8) and b"coding" not in data[:400]:
        return "utf-8"
    name, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return name


def decode(data: bytes) -> str:
    """The text of a source file, without a byte order mark, its newlines as they are.

    Raises SyntaxError or UnicodeDecodeError on text that Python would not read.
    """
    return data.decode(encoding_of(data))


def encode(text: str, like: bytes) -> bytes:
    """Encodes the text as the original bytes were, mark included."""
    return text.encode(encoding_of(like))


def read(path: Path) -> bytes:
    """The bytes of a file. Raises OSError."""
    with path.open("rb") as stream:
        return stream.read()


def split_lines(text: str) -> list[str]:
    """The lines of a text with their ends, counted as Python counts them: a form feed ends none."""
    return list(io.StringIO(text, newline=""))
