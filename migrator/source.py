"""Reading source files as Python does: cookies, byte order marks, any newline."""

from __future__ import annotations

import ast
import codecs
import errno
import io
import os
import stat
import tokenize
import warnings
from functools import lru_cache
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
    encoding = encoding_of(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise
    except Exception as error:
        # a cookie may name any codec that is installed, and what that raises is its own affair
        raise SyntaxError(f"encoding problem: {encoding}: {error}") from error


def encode(text: str, like: bytes) -> bytes:
    """Encodes the text as the original bytes were, mark included."""
    return text.encode(encoding_of(like))


def read(path: Path) -> bytes:
    """The bytes of a file. Raises OSError; of what is no ordinary file, too, which might never end."""
    # without O_NONBLOCK, opening a FIFO waits for somebody to write into it
    with open(path, "rb", opener=_open) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
        return stream.read()


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@lru_cache(maxsize=4)
def parsed(text: str) -> ast.Module:
    """What `ast.parse` makes of a text, without its warnings. Raises what it raises.

    A rewritten text is looked at by several one after the other; none of them may change the tree.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def tree_of(text: str) -> ast.Module:
    """The tree of a text in any grammar of Python 3. Raises SyntaxError, or ValueError where it holds a null."""
    try:
        return parsed(text)
    except SyntaxError as error:
        from migrator.newer import parse  # what it compiles at once is for nothing where nothing is newer

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return parse(text)[0]
        except SyntaxError:
            raise error from None


def split_lines(text: str) -> list[str]:
    """The lines of a text with their ends, counted as Python counts them: a form feed ends none."""
    return list(io.StringIO(text, newline=""))
