"""Source in a grammar newer than the running Python's, as the syntax tree that a Python that knows it would build.

What is new is taken out of the text so that every other byte keeps its line and offset (`def f[T](x)` becomes
`def f   (x)`), the running Python parses the rest, and what was taken out is put back into the tree: the expressions of
f-strings and t-strings, and where type aliases and lazy imports start.
"""

from __future__ import annotations

import ast
import bisect
import keyword
import re
from dataclasses import dataclass, field

from migrator.formatted import QUOTES, Field, Group, Part, read_group

_NEWLINE = re.compile(r"\r\n|\r|\n")
_GAP = r"(?:[ \t\f]|\\(?:\r\n|\r|\n))*"
_STOP = re.compile(
    rf"{QUOTES}"
    r"|(?P<comment>#[^\r\n]*)"
    r"|(?P<joined>\\(?:\r\n|\r|\n))"
    r"|(?P<newline>\r\n|\r|\n)"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])"
    r"|(?P<punctuation>[,;:])"
    r"|\b(?P<generic>(?:def|class)\s+\w+\s*\[)"
    rf"|\btype(?P<alias>[ \t\f]){_GAP}(?P<name>[^\W\d]\w*){_GAP}(?P<parameters>[\[=])(?!=)"
    rf"|\blazy(?P<lazy>[ \t\f]){_GAP}(?:import|from)\b"
    r"|\b(?P<word>except|as|for)\b"
)
_BRACKET = re.compile(rf"{_GAP}\(")
_STAR = re.compile(r"\s*(\*\*?)")


@dataclass(slots=True)
class _Bracket:
    star: tuple[int, int] | None
    """Where the first element's `*` or `**` stands: `[*row for row in rows]`."""
    commas: int = 0


@dataclass(slots=True)
class _Lowered:
    """What was taken out of a piece of text."""

    edits: list[tuple[int, int, str]] = field(default_factory=list)
    groups: dict[int, Group] = field(default_factory=dict)
    """By where the empty string stands that holds its place."""
    starts: list[int] = field(default_factory=list)
    """Where type aliases and lazy imports start."""


class _Text:
    """A source text and the positions that `ast` counts in."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ascii = text.isascii()
        self.lines = [0, *(match.end() for match in _NEWLINE.finditer(text))]

    def position(self, index: int) -> tuple[int, int]:
        """Line, from 1, and offset in bytes."""
        line = bisect.bisect_right(self.lines, index)
        start = self.lines[line - 1]
        return line, index - start if self.ascii else len(_encoded(self.text[start:index]))


def parse(text: str) -> tuple[ast.Module, str]:
    """The tree of a text, and the text without what is new in it, line by line the same.

    Raises SyntaxError where this is no Python 3 either.
    """
    source = _Text(text)
    lowered = _lower(text, 0, len(text))
    plain = _edited(text, 0, len(text), lowered.edits)
    tree = ast.parse(plain)
    _restore(source, tree, lowered)
    return tree, plain


def _lower(text: str, index: int, end: int, inside: bool = False) -> _Lowered:
    """Takes out what is new in a text, or in an expression inside brackets."""
    found = _Lowered()
    brackets: list[_Bracket] = []
    catching = several = False
    beginning = True
    checked = index
    while match := _STOP.search(text, index, end):
        kind = match.lastgroup
        # a statement begins where nothing but white space lies between it and what ended the last one
        beginning = beginning and not text[checked : match.start()].strip()
        index = checked = match.end()
        if kind == "quote":
            index = checked = _string(text, match, end, bool(brackets) or inside, found)
        elif kind == "open":
            star = _STAR.match(text, index, end)
            brackets.append(_Bracket(star.span(1) if star else None))
        elif kind == "close" and brackets:
            brackets.pop()
        elif kind == "punctuation":
            if brackets:
                brackets[-1].commas += match[0] == ","
            elif catching and match[0] == ",":
                # `except A, B:` without parentheses
                found.edits.append((match.start(), index, "|"))
                several = True
            catching = catching and match[0] != ":"
        elif kind == "generic":
            index = checked = _parameters(text, index, end, found)
        elif kind == "word" and match[0] == "except":
            catching, several = not brackets, False
        elif kind == "word" and match[0] == "as":
            if catching and several:
                raise SyntaxError("multiple exception types must be parenthesized when using 'as'")
        elif kind == "word" and brackets and brackets[-1].star and not brackets[-1].commas:
            start, stop = brackets[-1].star
            found.edits.append((start, stop, " " * (stop - start)))
            brackets[-1].star = None
        elif kind == "parameters" and beginning and not brackets and not keyword.iskeyword(match["name"]):
            index = checked = _alias(text, match, end, found)
        elif kind == "parameters":
            index = checked = match.end("name")
        elif kind == "lazy" and beginning and not brackets:
            # two statements, with the second one where it was; the first one goes from the tree
            found.edits.append((*match.span(kind), ";"))
            found.starts.append(match.start())
        if kind not in ("comment", "joined"):
            beginning = not brackets and (kind == "newline" or match[0] in (";", ":"))
    return found


def _string(text: str, match: re.Match[str], end: int, in_brackets: bool, found: _Lowered) -> int:
    """Takes out adjacent strings where one is an f-string or t-string; says where they end."""
    group = read_group(text, match, end, in_brackets)
    if group.kind == "template" or any(isinstance(part, Field) for part in group.parts):
        rest = _blanked(text[group.start + 2 : group.end])
        # brackets where they fit, because the strings may go over several lines
        if bracketed := rest[0] == " " and len(rest) > 1:
            rest = rest[1:-1] + ")"
        found.edits.append((group.start, group.end, f'{"(" if bracketed else ""}""{rest}'))
        found.groups[group.start + bracketed] = group
    return group.end


def _alias(text: str, match: re.Match[str], end: int, found: _Lowered) -> int:
    """`type X = int` becomes `type;X = int`, `type X[T] = list[T]` becomes `typ;(X  ) = list[T]`."""
    found.starts.append(match.start())
    if match["parameters"] == "=":
        found.edits.append((*match.span("alias"), ";"))
        return match.end()
    closed = _closing(text, match.end(), end)
    found.edits.append((match.start() + len("typ"), match.end("alias"), ";("))
    found.edits.append((match.end() - 1, closed, _blanked(text[match.end() - 1 : closed - 1]) + ")"))
    return closed


def _parameters(text: str, index: int, end: int, found: _Lowered) -> int:
    """`def f[T](x: T)` becomes `def f(   x: T)`, `class A[T]:` becomes `class A( ):`; brackets keep newlines legal."""
    closed = _closing(text, index, end)
    following = _BRACKET.match(text, closed, end)
    stop = following.end() if following else closed
    inner = _blanked(text[index:stop])
    found.edits.append((index - 1, stop, f"({inner}" if following else f"({inner[:-1]})"))
    return closed if following is None else stop - 1


def _closing(text: str, index: int, end: int) -> int:
    """Where the bracket that was opened before `index` has been closed."""
    depth = 1
    while match := _STOP.search(text, index, end):
        index = match.end()
        if match.lastgroup == "quote":
            index = read_group(text, match, end, True).end
        elif match.lastgroup in ("open", "close"):
            depth += 1 if match.lastgroup == "open" else -1
            if not depth:
                return index
        elif match.lastgroup in ("generic", "parameters"):
            index = match.end() - 1
    raise SyntaxError("'[' was never closed")


def _blanked(text: str) -> str:
    """As many bytes of white space as the text has, its newlines kept."""
    return re.sub(r"[^\r\n]", lambda match: " " * len(_encoded(match[0])), text)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _edited(text: str, start: int, end: int, edits: list[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    # a comprehension's star is found after what stands between it and the `for`
    for first, last, replacement in sorted(edits):
        pieces += (text[start:first], replacement)
        start = last
    return "".join([*pieces, text[start:end]])


def _restore(source: _Text, tree: ast.AST, lowered: _Lowered) -> None:
    """Puts what was taken out back into the tree."""
    groups = {source.position(start): group for start, group in lowered.groups.items()}
    starts = {source.position(start) for start in lowered.starts}
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.Constant) and (group := groups.get((value.lineno, value.col_offset))):
                setattr(node, name, _string_node(source, group))
            elif isinstance(value, list):
                value[:] = _restored(source, value, groups, starts)


def _restored(
    source: _Text, nodes: list[ast.AST], groups: dict[tuple[int, int], Group], starts: set[tuple[int, int]]
) -> list[ast.AST]:
    kept: list[ast.AST] = []
    start: tuple[int, int] | None = None
    for node in nodes:
        place = (node.lineno, node.col_offset) if isinstance(node, ast.expr | ast.stmt) else None
        if isinstance(node, ast.Constant) and place in groups:
            kept.append(_string_node(source, groups[place]))
        elif isinstance(node, ast.Expr) and place in starts:
            start = place
        else:
            if start and isinstance(node, ast.stmt):
                node.lineno, node.col_offset = start
            start = None
            kept.append(node)
    return kept


def _string_node(source: _Text, group: Group) -> ast.expr:
    span = _span(source, group.start, group.end)
    joined = _joined_node(source, group.parts, span)
    # a template is no text: read for its fields, it is nothing itself
    return ast.FormattedValue(joined, -1, None, **span) if group.kind == "template" else joined


def _joined_node(source: _Text, parts: tuple[Part, ...], span: dict[str, int]) -> ast.JoinedStr:
    values: list[ast.expr] = []
    for part in parts:
        if isinstance(part, str):
            values.append(ast.Constant(part, None, **span))
        else:
            spec = None if part.spec is None else _joined_node(source, part.spec, span)
            values.append(ast.FormattedValue(_expression(source, part), part.conversion, spec, **span))
    return ast.JoinedStr(values, **span)


def _expression(source: _Text, part: Field) -> ast.expr:
    """The expression of a field, at its own place."""
    lowered = _lower(source.text, part.start, part.end, inside=True)
    plain = _edited(source.text, part.start, part.end, lowered.edits)
    line, offset = source.position(part.start)
    tree = ast.parse(f"(\n{' ' * offset}{plain}\n)", mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.keyword | ast.arg):
            node.lineno += line - 2
            node.end_lineno = (node.end_lineno or 0) + line - 2
    _restore(source, tree, lowered)
    value = tree.body
    if isinstance(value, ast.Tuple) and value.lineno < line:
        # the tuple took the brackets that are not in the text
        if not value.elts:
            raise SyntaxError("f-string: valid expression required before '}'")
        value.lineno, value.col_offset = value.elts[0].lineno, value.elts[0].col_offset
        value.end_lineno, value.end_col_offset = value.elts[-1].end_lineno, value.elts[-1].end_col_offset
    return value


def _span(source: _Text, start: int, end: int) -> dict[str, int]:
    line, offset = source.position(start)
    end_line, end_offset = source.position(end)
    return {"lineno": line, "col_offset": offset, "end_lineno": end_line, "end_col_offset": end_offset}
