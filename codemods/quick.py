"""A function as libcst's nodes, made of what Python's own parser reads: many times as fast as libcst's.

White space, comments and redundant parentheses are left out of the nodes. The text and the line of a node are those of
the source, by its position; where that cannot be told, Doubt is raised, and whoever asks has libcst read the function.
"""

from __future__ import annotations

import abc
import ast
import re
import warnings
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import MISSING, fields
from functools import cache
from types import SimpleNamespace
from typing import Any

import libcst as cst

from migrator.codemods.kept_on_self import OnSelf
from migrator.codemods.look import below
from migrator.source import split_lines

_HEADER = "if True:\n"


class Doubt(Exception):
    """What is asked takes libcst's own reading."""


@cache
def _maker(kind: type[Any], *given: str) -> Callable[..., Any]:
    """Makes nodes of a kind of which only some fields are given; the others are as the kind has them by default.

    Nothing is checked, and the defaults stand in the class: a tenth of what libcst's own nodes cost.
    """
    defaults = {
        field.name: field.default if field.default_factory is MISSING else field.default_factory()
        for field in fields(kind)
        if field.name not in given
    }
    own = {"__slots__": given, "__setattr__": object.__setattr__, "with_changes": _with_changes, **defaults}
    light: Any = abc.ABCMeta(kind.__name__, (kind,), own)
    new = light.__new__

    def make(*values: object) -> Any:
        node = new(light)
        for name, value in zip(given, values):  # noqa: B905
            setattr(node, name, value)
        return node

    return make


def _with_changes(node: Any, **changes: Any) -> Any:
    """What libcst does, with a node of its own class."""
    kind = type(node).__mro__[1]
    return kind(**{field.name: getattr(node, field.name) for field in fields(kind)} | changes)


_KINDS = """
    Name:value SimpleString:value Integer:value Float:value Imaginary:value Ellipsis: FormattedStringText:value
    Attribute:value,attr Call:func,args Arg:value,keyword,star Subscript:value,slice SubscriptElement:slice Index:value
    Slice:lower,upper,step Tuple:elements List:elements Set:elements Dict:elements Element:value StarredElement:value
    DictElement:key,value BinaryOperation:left,operator,right UnaryOperation:operator,expression
    StarredDictElement:value BooleanOperation:left,operator,right Comparison:left,comparisons
    ComparisonTarget:operator,comparator
    Lambda:params,body IfExp:test,body,orelse Await:expression Yield:value From:item NamedExpr:target,value
    ListComp:elt,for_in SetComp:elt,for_in GeneratorExp:elt,for_in DictComp:key,value,for_in CompIf:test
    CompFor:target,iter,ifs,inner_for_in,asynchronous ConcatenatedString:left,right FormattedString:parts
    FormattedStringExpression:expression,format_spec
    Module:body FunctionDef:name,params,body,decorators,returns,asynchronous Decorator:decorator IndentedBlock:body
    ClassDef:name,body,bases,keywords,decorators Param:name,annotation,default Annotation:annotation ParamStar:
    Parameters:params,star_arg,kwonly_params,star_kwarg,posonly_params,posonly_ind ParamSlash: Asynchronous:
    SimpleStatementLine:body Expr:value
    Assign:targets,value AssignTarget:target AnnAssign:target,annotation,value AugAssign:target,operator,value
    Return:value Raise:exc,cause Assert:test,msg Del:target Pass: Break: Continue: Import:names ImportStar: Dot:
    ImportFrom:module,names,relative ImportAlias:name,asname AsName:name Global:names Nonlocal:names NameItem:name
    If:test,body,orelse Else:body For:target,iter,body,orelse,asynchronous While:test,body,orelse WithItem:item,asname
    With:items,body,asynchronous Try:body,handlers,orelse,finalbody ExceptHandler:body,type,name Finally:body
"""
"""What is given of each kind of node."""
make = SimpleNamespace(
    **{
        kind: _maker(getattr(cst, kind), *filter(None, given.split(",")))
        for kind, _, given in (row.partition(":") for row in _KINDS.split())
    },
    OnSelf=_maker(OnSelf, "value"),
)


def _operators(text: str, suffix: str = "") -> dict[type[ast.AST], Any]:
    pairs = (pair.split(":") for pair in text.split())
    return {getattr(ast, one): getattr(cst, f"{other}{suffix}")() for one, other in pairs}


_ARITHMETIC = (
    "Add:Add Sub:Subtract Mult:Multiply MatMult:MatrixMultiply Div:Divide Mod:Modulo Pow:Power LShift:LeftShift"
    " RShift:RightShift BitOr:BitOr BitXor:BitXor BitAnd:BitAnd FloorDiv:FloorDivide"
)
_BINARY = _operators(_ARITHMETIC)
_AUGMENTED = _operators(_ARITHMETIC, "Assign")
_OTHERS = _operators(
    "And:And Or:Or Not:Not UAdd:Plus USub:Minus Invert:BitInvert Eq:Equal NotEq:NotEqual Lt:LessThan LtE:LessThanEqual"
    " Gt:GreaterThan GtE:GreaterThanEqual Is:Is IsNot:IsNot In:In NotIn:NotIn"
)
_STARRED = make.ParamStar()
_SLASH = make.ParamSlash()
_ASYNC = make.Asynchronous()

_OPENING = re.compile(r"[\s)\\]*\(")
_LITERAL = re.compile(
    r"""([a-z]*)(?:\"""(?:\\.|[^\\])*?\"""|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.IGNORECASE | re.DOTALL,
)
_BETWEEN = re.compile(r"(?:\s|\\\r?\n|#[^\n]*)*")


class Quick:
    """A function that is read but not rewritten; `self.x` and `a.x` of the given names are one name.

    Raises Doubt where it has anything that is not made here, SyntaxError and its kin where Python cannot read it.
    """

    def __init__(self, chunk: str, names: Collection[str]) -> None:
        self.shift = int(chunk[:1] in (" ", "\t"))
        """How many lines stand above the function."""
        self.text = f"{_HEADER}{chunk}" if self.shift else chunk
        if "\f" in chunk or "\r" in chunk:
            raise Doubt
        self.names = names
        self.lines = split_lines(self.text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.plain = self.text.isascii()
        self.places: dict[int, ast.AST | None] = {}
        """Where the nodes stand, by their identity; None where that is not known."""
        self.statements: list[tuple[int, str]] = []
        """Where statements begin, and how they are indented."""
        self.strings: list[tuple[int, int]] = []
        """Where strings of several lines begin and end."""
        self.owned: set[int] = set()
        """Where parentheses open that are no expression's."""
        self.inside = ""
        """The f-string that is being made."""
        self.kept: list[cst.CSTNode] = []
        """What is not in the tree and has a place all the same: no other node may get its identity."""
        self.edits: dict[int, list[tuple[int, int, str]]] = {}
        """What the text of a node has in the place of the source's, by its identity."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body: list[ast.stmt] = ast.parse(self.text).body
        if self.shift and isinstance(body[0], ast.If):
            body = body[0].body
        if len(body) != 1 or not isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef):
            raise Doubt
        self.tree = body[0]
        self._begins(self.tree)
        self.function: cst.FunctionDef = self._statement(self.tree)
        self.module: cst.Module = make.Module([self.function])

    # -- where nodes stand

    def line_of(self, node: cst.CSTNode) -> int:
        """The line of a node in the chunk, from 1."""
        place = self.places.get(id(node))
        if place is None or isinstance(place, ast.GeneratorExp | ast.Tuple):
            raise Doubt  # libcst counts from within their parentheses
        return int(place.lineno) - self.shift  # type: ignore[attr-defined]

    def code(self, node: cst.CSTNode) -> str:
        """The text of a node as libcst writes it: an expression with its parentheses."""
        place = self.places.get(id(node))
        if place is not None and not isinstance(place, ast.expr | ast.stmt):
            raise Doubt
        if place is None:
            if not isinstance(node, cst.BaseExpression) or self._is_ours(node):
                raise Doubt
            return cst.Module([]).code_for_node(node)
        if isinstance(place, ast.stmt) and hasattr(place, "body"):
            raise Doubt
        start, end = self._span(place)
        if start in self.owned:
            raise Doubt  # a generator with the parentheses of the call that it is given to
        if isinstance(place, ast.expr):
            start, end = self._with_parentheses(start, end)
        text = self.text[start:end]
        if edits := self.edits.get(id(node)):
            return self._edited(text, start, edits)
        return self._dedented(text, start, end) if "\n" in text else text

    def _edited(self, text: str, start: int, edits: Sequence[tuple[int, int, str]]) -> str:
        if "\n" in text:
            raise Doubt
        end = start + len(text)
        for first, last, new in sorted(edits, reverse=True):
            if start <= first and last <= end:
                text = f"{text[: first - start]}{new}{text[last - start :]}"
        return text

    def swapped(self, node: cst.CSTNode, new: Callable[[cst.CSTNode], str | None]) -> cst.CSTNode:
        """The node with names in the place of the expressions for which there is one; what is around them is copied."""
        edits: list[tuple[int, int, str]] = []
        made: cst.CSTNode = self._swapped(node, new, edits)
        return made

    def _swapped(self, node: Any, new: Callable[[cst.CSTNode], str | None], edits: list[tuple[int, int, str]]) -> Any:
        name = new(node)
        if name is not None:
            place = self.places[id(node)]
            if place is None:
                raise Doubt
            edits.append((*self._span(place), name))
            return self._copied(make.Name(name), node, edits)
        changes: dict[str, Any] = {}
        for field in type(node).__slots__:
            value = getattr(node, field)
            if isinstance(value, list):
                items = [self._swapped(item, new, edits) for item in value]
                if any(one is not other for one, other in zip(items, value, strict=True)):
                    changes[field] = items
            elif isinstance(value, cst.CSTNode) and (one := self._swapped(value, new, edits)) is not value:
                changes[field] = one
        if not changes:
            return node
        kind: Any = type(node)
        copy = kind.__new__(kind)
        for field in kind.__slots__:
            setattr(copy, field, changes.get(field, getattr(node, field)))
        return self._copied(copy, node, edits)

    def _copied(self, copy: Any, node: cst.CSTNode, edits: list[tuple[int, int, str]]) -> Any:
        self.kept.append(copy)
        self.edits[id(copy)] = edits
        if id(node) in self.places:
            self.places[id(copy)] = self.places[id(node)]
        return copy

    def _is_ours(self, node: cst.CSTNode) -> bool:
        return id(node) in self.places or any(self._is_ours(child) for child in below(node))

    def _offset(self, line: int, column: int) -> int:
        if self.plain or self.lines[line - 1].isascii():
            return self.starts[line - 1] + column
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def _span(self, node: Any) -> tuple[int, int]:
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _with_parentheses(self, start: int, end: int) -> tuple[int, int]:
        text = self.text
        while True:
            first, last = start - 1, end
            while text[first] in " \t\n":
                first -= 1
            while last < len(text) and text[last] in " \t\n":
                last += 1
            if "\n" in text[first:start] and "#" in text[text.rfind("\n", 0, first) + 1 : first + 1]:
                raise Doubt  # the parenthesis may stand before a comment
            if text[first] != "(" or first in self.owned:
                return start, end
            if text[last : last + 1] == "#":
                raise Doubt
            if text[last : last + 1] != ")":
                return start, end
            start, end = first, last + 1

    def _dedented(self, text: str, start: int, end: int) -> str:
        """The text of several lines without the indentation of its block."""
        self.statements.sort()
        indent = self.statements[bisect_right(self.statements, start, key=lambda row: row[0]) - 1][1]
        made: list[str] = []
        position = start
        inside = [span for span in self.strings if start <= span[0] and span[1] <= end]
        for first, last in [*inside, (end, end)]:
            code = self.text[position:first]
            if "\\\n" in code:
                raise Doubt
            made += [code.replace(f"\n{indent}", "\n"), self.text[first:last]]
            position = last
        return "".join(made)

    # -- statements

    def _body(self, body: Sequence[ast.stmt]) -> Any:
        return make.IndentedBlock(self._lines(body))

    def _lines(self, body: Sequence[ast.stmt]) -> list[Any]:
        first = body[0]
        if self.lines[first.lineno - 1].encode()[: first.col_offset].strip() and not _decorated(first):
            raise Doubt  # it stands on the line of what it is in
        made: list[Any] = []
        before: ast.stmt | None = None
        for node in body:
            if before is not None and node.lineno == before.end_lineno:
                if isinstance(made[-1], cst.SimpleStatementLine) and type(node).__name__ in _SIMPLE:
                    made[-1].body.append(self._placed(self._statement(node), node))  # type: ignore[attr-defined]
                    before = node
                    continue
                raise Doubt
            self._begins(node)
            one = self._statement(node)
            self.places[id(one)] = node
            if type(node).__name__ in _SIMPLE:
                one = self._line_only(make.SimpleStatementLine([one]), node)
            made.append(one)
            before = node
        return made

    def _begins(self, node: ast.stmt) -> None:
        start = self.starts[node.lineno - 1]
        indent = self.lines[node.lineno - 1][: self._offset(node.lineno, node.col_offset) - start]
        decorators = getattr(node, "decorator_list", None)
        if decorators:
            start = self.starts[decorators[0].lineno - 1]
        self.statements.append((start + len(indent), indent))

    def _placed(self, made: Any, node: ast.AST) -> Any:
        self.places[id(made)] = None if self.inside else node
        return made

    def _statement(self, node: ast.stmt) -> Any:
        method = _STATEMENTS.get(type(node))
        if method is None:
            raise Doubt
        return method(self, node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Any:
        if getattr(node, "type_params", None):
            raise Doubt
        self.owned.add(self.text.find("(", self._offset(node.lineno, node.col_offset)))
        made = make.FunctionDef(
            make.Name(node.name),
            self._parameters(node.args),
            self._body(node.body),
            self._decorators(node.decorator_list),
            make.Annotation(self._of(node.returns)) if node.returns is not None else None,
            _ASYNC if isinstance(node, ast.AsyncFunctionDef) else None,
        )
        return self._placed(made, node)

    def _decorators(self, nodes: Sequence[ast.expr]) -> list[Any]:
        return [self._line_only(make.Decorator(self._of(node)), node) for node in nodes]

    def _line_only(self, made: Any, node: ast.AST) -> Any:
        self.places[id(made)] = _Line(node.lineno)  # type: ignore[attr-defined]
        return made

    def _class(self, node: ast.ClassDef) -> Any:
        if getattr(node, "type_params", None):
            raise Doubt
        head = self._offset(node.lineno, node.col_offset)
        if node.bases or node.keywords:
            self.owned.add(self.text.find("(", head))
        bases = [make.Arg(self._of(item), None, "") for item in node.bases]
        if any(isinstance(item, ast.Starred) for item in node.bases):
            raise Doubt
        return self._placed(
            make.ClassDef(
                make.Name(node.name),
                self._body(node.body),
                bases,
                [self._keyword(item) for item in node.keywords],
                self._decorators(node.decorator_list),
            ),
            node,
        )

    def _keyword(self, node: ast.keyword) -> Any:
        keyword = make.Name(node.arg) if node.arg is not None else None
        return make.Arg(self._of(node.value), keyword, "**" if node.arg is None else "")

    def _parameters(self, node: ast.arguments) -> Any:
        before = len(node.posonlyargs) + len(node.args) - len(node.defaults)
        defaults: list[ast.expr | None] = [*([None] * before), *node.defaults]
        split = len(node.posonlyargs)
        star: Any = cst.MaybeSentinel.DEFAULT
        if node.vararg is not None:
            star = self._parameter(node.vararg, None)
        elif node.kwonlyargs:
            star = _STARRED
        made = make.Parameters(
            [self._parameter(*row) for row in zip(node.args, defaults[split:], strict=True)],
            star,
            [self._parameter(*row) for row in zip(node.kwonlyargs, node.kw_defaults, strict=True)],
            self._parameter(node.kwarg, None) if node.kwarg is not None else None,
            [self._parameter(*row) for row in zip(node.posonlyargs, defaults[:split], strict=True)],
            _SLASH if node.posonlyargs else cst.MaybeSentinel.DEFAULT,
        )
        return made

    def _parameter(self, node: ast.arg, default: ast.expr | None) -> Any:
        made = make.Param(
            make.Name(node.arg),
            make.Annotation(self._of(node.annotation)) if node.annotation is not None else None,
            self._of(default) if default is not None else None,
        )
        return self._line_only(made, node)

    def _assign(self, node: ast.Assign) -> Any:
        targets = [make.AssignTarget(self._of(item)) for item in node.targets]
        return make.Assign(targets, self._of(node.value))

    def _annotated(self, node: ast.AnnAssign) -> Any:
        if not node.simple and isinstance(node.target, ast.Name):
            raise Doubt
        return make.AnnAssign(
            self._of(node.target),
            make.Annotation(self._of(node.annotation)),
            self._of(node.value) if node.value is not None else None,
        )

    def _augmented(self, node: ast.AugAssign) -> Any:
        return make.AugAssign(self._of(node.target), _AUGMENTED[type(node.op)], self._of(node.value))

    def _raise(self, node: ast.Raise) -> Any:
        cause = make.From(self._of(node.cause)) if node.cause is not None else None
        return make.Raise(self._of(node.exc) if node.exc is not None else None, cause)

    def _assert(self, node: ast.Assert) -> Any:
        message = self._of(node.msg) if node.msg is not None else None
        return make.Assert(self._of(node.test), message)

    def _del(self, node: ast.Delete) -> Any:
        if len(node.targets) == 1:
            return make.Del(self._of(node.targets[0]))
        elements = [make.Element(self._of(item)) for item in node.targets]
        return make.Del(make.Tuple(elements))

    def _aliases(self, names: Iterable[ast.alias]) -> list[Any]:
        return [
            make.ImportAlias(
                self._dotted(item.name),
                make.AsName(make.Name(item.asname)) if item.asname else None,
            )
            for item in names
        ]

    def _dotted(self, path: str) -> Any:
        first, *rest = path.split(".")
        made = make.Name(first)
        for name in rest:
            made = make.Attribute(made, make.Name(name))
        return made

    def _import(self, node: ast.Import) -> Any:
        return make.Import(self._aliases(node.names))

    def _import_from(self, node: ast.ImportFrom) -> Any:
        names: Any = self._aliases(node.names)
        if node.names[0].name == "*":
            names = make.ImportStar()
        return make.ImportFrom(self._dotted(node.module) if node.module else None, names, [make.Dot()] * node.level)

    def _declared(self, node: ast.Global | ast.Nonlocal) -> Any:
        names = [make.NameItem(make.Name(name)) for name in node.names]
        return getattr(make, type(node).__name__)(names)

    def _if(self, node: ast.If) -> Any:
        made = self._of(node.test), self._body(node.body)
        first = node.orelse[0] if len(node.orelse) == 1 else None
        if isinstance(first, ast.If) and self.text.startswith("elif", self._offset(first.lineno, first.col_offset)):
            self._begins(first)
            orelse = self._placed(self._statement(first), first)
        else:
            orelse = self._else(node.orelse)
        return make.If(*made, orelse)

    def _else(self, body: Sequence[ast.stmt]) -> Any:
        return make.Else(self._body(body)) if body else None

    def _for(self, node: ast.For | ast.AsyncFor) -> Any:
        return make.For(
            self._of(node.target),
            self._of(node.iter),
            self._body(node.body),
            self._else(node.orelse),
            _ASYNC if isinstance(node, ast.AsyncFor) else None,
        )

    def _while(self, node: ast.While) -> Any:
        return make.While(self._of(node.test), self._body(node.body), self._else(node.orelse))

    def _with(self, node: ast.With | ast.AsyncWith) -> Any:
        opening = _WITH.match(self.text, self._offset(node.lineno, node.col_offset))
        first, last = self._span(node.items[0].context_expr)
        if opening is not None and first >= opening.end() and _OF_ITEM.match(self.text, last) is None:
            self.owned.add(opening.end() - 1)
        items = []
        for item in node.items:
            asname = item.optional_vars and make.AsName(self._of(item.optional_vars))
            made = make.WithItem(self._of(item.context_expr), asname)
            items.append(self._line_only(made, item.context_expr))
        is_async = _ASYNC if isinstance(node, ast.AsyncWith) else None
        return make.With(items, self._body(node.body), is_async)

    def _try(self, node: ast.Try) -> Any:
        body = self._body(node.body)
        handlers = []
        for handler in node.handlers:
            start = self.starts[handler.lineno - 1]
            self.statements.append((start, self.text[start : self._offset(handler.lineno, handler.col_offset)]))
            name = make.AsName(make.Name(handler.name)) if handler.name else None
            made = make.ExceptHandler(
                self._body(handler.body), self._of(handler.type) if handler.type is not None else None, name
            )
            handlers.append(made)
        final = make.Finally(self._body(node.finalbody)) if node.finalbody else None
        return make.Try(body, handlers, self._else(node.orelse), final)

    # -- expressions

    def _of(self, node: ast.expr) -> Any:
        method = _EXPRESSIONS.get(type(node))
        if method is None:
            raise Doubt
        made = method(self, node)
        self.places[id(made)] = None if self.inside else node
        return made

    def _named(self, node: ast.Name) -> Any:
        return make.Name(node.id)

    def _attributed(self, node: ast.Attribute) -> Any:
        value = node.value
        if self.names and isinstance(value, ast.Name) and (name := f"{value.id}.{node.attr}") in self.names:
            if self.inside:
                raise Doubt
            start, end = self._span(node)
            if self.text[start:end] == name:
                return make.OnSelf(name)
        return make.Attribute(self._of(value), make.Name(node.attr))

    def _called(self, node: ast.Call) -> Any:
        func = self._of(node.func)
        if not self.inside:
            opening = _OPENING.match(self.text, self._offset(node.func.end_lineno or 0, node.func.end_col_offset or 0))
            if opening is None:
                raise Doubt
            self.owned.add(opening.end() - 1)
        given: list[Any] = [*node.args, *node.keywords]
        if node.keywords and any(isinstance(item, ast.Starred) for item in node.args):
            given.sort(key=lambda item: (item.lineno, item.col_offset))
        return make.Call(func, [self._given(item) for item in given])

    def _given(self, node: ast.expr | ast.keyword) -> Any:
        if isinstance(node, ast.keyword):
            return self._keyword(node)
        if isinstance(node, ast.Starred):
            return make.Arg(self._of(node.value), None, "*")
        return make.Arg(self._of(node), None, "")

    def _constant(self, node: ast.Constant) -> Any:
        value = node.value
        if value is None or value is True or value is False:
            return make.Name(str(value))
        if value is Ellipsis:
            return make.Ellipsis()
        kind = _NUMBERS.get(type(value))
        if self.inside:
            text = repr(value)
            if kind is not None and text not in self.inside:
                raise Doubt
            return make.SimpleString(text) if kind is None else getattr(make, kind)(text)
        start, end = self._span(node)
        if kind is not None:
            return getattr(make, kind)(self.text[start:end])
        return self._strings(start, end)

    def _joined(self, node: ast.JoinedStr) -> Any:
        if self.inside:
            raise Doubt
        return self._strings(*self._span(node))

    def _strings(self, start: int, end: int) -> Any:
        """A literal, or several one after the other."""
        found = _LITERAL.match(self.text, start, end)
        if found is None:
            raise Doubt
        if "\n" in found[0]:
            self.strings.append(found.span())
        made = self._formatted(found[0]) if "f" in found[1].lower() else make.SimpleString(found[0])
        if found.end() == end:
            return made
        gap = _BETWEEN.match(self.text, found.end())
        rest = self._strings(gap.end() if gap is not None else end, end)
        self.places[id(made)] = self.places[id(rest)] = None
        return make.ConcatenatedString(made, rest)

    def _formatted(self, text: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = ast.parse(text.replace("\n", " ") if text[-3:] not in _TRIPLE else text, mode="eval").body
        if not isinstance(read, ast.JoinedStr):
            raise Doubt
        before, self.inside = self.inside, text
        parts = self._parts(read)
        self.inside = before
        return make.FormattedString(parts)

    def _parts(self, node: ast.JoinedStr) -> list[Any]:
        made: list[Any] = []
        for item in node.values:
            if isinstance(item, ast.FormattedValue):
                form = item.format_spec
                made.append(
                    make.FormattedStringExpression(
                        self._of(item.value), self._parts(form) if isinstance(form, ast.JoinedStr) else None
                    )
                )
            elif isinstance(item, ast.Constant):
                made.append(make.FormattedStringText(item.value))
            else:
                raise Doubt
            made[-1]
        return made

    def _subscripted(self, node: ast.Subscript) -> Any:
        index = node.slice
        items = [index]
        if isinstance(index, ast.Tuple) and index.elts:
            if self.inside:
                raise Doubt
            start, end = self._span(index)
            first = self._span(index.elts[0])[0]
            if first == start:
                items = index.elts
            elif self.text[start] != "(" or self.text[end - 1] != ")":
                raise Doubt
        return make.Subscript(self._of(node.value), [self._index(item) for item in items])

    def _index(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Slice):
            parts = [self._of(item) if item is not None else None for item in (node.lower, node.upper, node.step)]
            inner = make.Slice(*parts)
        elif isinstance(node, ast.Starred):
            raise Doubt
        else:
            inner = make.Index(self._of(node))
        return make.SubscriptElement(inner)

    def _elements(self, nodes: Iterable[ast.expr]) -> list[Any]:
        return [
            make.StarredElement(self._of(item.value)) if isinstance(item, ast.Starred) else make.Element(self._of(item))
            for item in nodes
        ]

    def _sequence(self, node: ast.Tuple | ast.List | ast.Set) -> Any:
        return getattr(make, type(node).__name__)(self._elements(node.elts))

    def _dict(self, node: ast.Dict) -> Any:
        made = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                made.append(make.StarredDictElement(self._of(value)))
            else:
                pair = self._of(key), self._of(value)
                made.append(make.DictElement(*pair))
        return make.Dict(made)

    def _binary(self, node: ast.BinOp) -> Any:
        return make.BinaryOperation(self._of(node.left), _BINARY[type(node.op)], self._of(node.right))

    def _boolean(self, node: ast.BoolOp) -> Any:
        made = self._of(node.values[0])
        for value in node.values[1:]:
            made = make.BooleanOperation(made, _OTHERS[type(node.op)], self._of(value))
        return made

    def _unary(self, node: ast.UnaryOp) -> Any:
        return make.UnaryOperation(_OTHERS[type(node.op)], self._of(node.operand))

    def _compared(self, node: ast.Compare) -> Any:
        left = self._of(node.left)
        rest = [
            make.ComparisonTarget(_OTHERS[type(one)], self._of(other))
            for one, other in zip(node.ops, node.comparators, strict=True)
        ]
        return make.Comparison(left, rest)

    def _lambda(self, node: ast.Lambda) -> Any:
        return make.Lambda(self._parameters(node.args), self._of(node.body))

    def _either(self, node: ast.IfExp) -> Any:
        return make.IfExp(self._of(node.test), self._of(node.body), self._of(node.orelse))

    def _awaited(self, node: ast.Await) -> Any:
        return make.Await(self._of(node.value))

    def _yielded(self, node: ast.Yield) -> Any:
        return make.Yield(self._of(node.value) if node.value is not None else None)

    def _yielded_from(self, node: ast.YieldFrom) -> Any:
        return make.Yield(make.From(self._of(node.value)))

    def _walrus(self, node: ast.NamedExpr) -> Any:
        return make.NamedExpr(self._of(node.target), self._of(node.value))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Any:
        return getattr(make, type(node).__name__)(self._of(node.elt), self._for_in(node.generators))

    def _dict_comprehension(self, node: ast.DictComp) -> Any:
        return make.DictComp(self._of(node.key), self._of(node.value), self._for_in(node.generators))

    def _for_in(self, nodes: Sequence[ast.comprehension]) -> Any:
        first, *rest = nodes
        return make.CompFor(
            self._of(first.target),
            self._of(first.iter),
            [make.CompIf(self._of(item)) for item in first.ifs],
            self._for_in(rest) if rest else None,
            _ASYNC if first.is_async else None,
        )


class _Line(ast.AST):
    """The line of what has no text of its own."""

    def __init__(self, lineno: int) -> None:
        self.lineno = lineno


def _decorated(node: ast.stmt) -> bool:
    return bool(getattr(node, "decorator_list", ()))


_NUMBERS: dict[type, str] = {int: "Integer", float: "Float", complex: "Imaginary"}
_TRIPLE = frozenset({'"' * 3, "'" * 3})
_WITH = re.compile(r"(?:async\s+)?with\s*\(")
_OF_ITEM = re.compile(r"[\s)]*\)\s*(?:as\b|,)")
"""What follows an item whose parentheses are its own."""
_SIMPLE = frozenset(
    "Expr Assign AnnAssign AugAssign Return Raise Assert Delete Pass Break Continue Import ImportFrom Global"
    " Nonlocal".split()
)
_STATEMENTS: dict[type[ast.stmt], Callable[[Quick, Any], Any]] = {
    ast.FunctionDef: Quick._function,
    ast.AsyncFunctionDef: Quick._function,
    ast.ClassDef: Quick._class,
    ast.Expr: lambda quick, node: make.Expr(quick._of(node.value)),
    ast.Assign: Quick._assign,
    ast.AnnAssign: Quick._annotated,
    ast.AugAssign: Quick._augmented,
    ast.Return: lambda quick, node: make.Return(quick._of(node.value) if node.value else None),
    ast.Raise: Quick._raise,
    ast.Assert: Quick._assert,
    ast.Delete: Quick._del,
    ast.Pass: lambda quick, node: make.Pass(),
    ast.Break: lambda quick, node: make.Break(),
    ast.Continue: lambda quick, node: make.Continue(),
    ast.Import: Quick._import,
    ast.ImportFrom: Quick._import_from,
    ast.Global: Quick._declared,
    ast.Nonlocal: Quick._declared,
    ast.If: Quick._if,
    ast.For: Quick._for,
    ast.AsyncFor: Quick._for,
    ast.While: Quick._while,
    ast.With: Quick._with,
    ast.AsyncWith: Quick._with,
    ast.Try: Quick._try,
}
_EXPRESSIONS: dict[type[ast.expr], Callable[[Quick, Any], Any]] = {
    ast.Name: Quick._named,
    ast.Attribute: Quick._attributed,
    ast.Call: Quick._called,
    ast.Constant: Quick._constant,
    ast.JoinedStr: Quick._joined,
    ast.Subscript: Quick._subscripted,
    ast.Tuple: Quick._sequence,
    ast.List: Quick._sequence,
    ast.Set: Quick._sequence,
    ast.Dict: Quick._dict,
    ast.BinOp: Quick._binary,
    ast.BoolOp: Quick._boolean,
    ast.UnaryOp: Quick._unary,
    ast.Compare: Quick._compared,
    ast.Lambda: Quick._lambda,
    ast.IfExp: Quick._either,
    ast.Await: Quick._awaited,
    ast.Yield: Quick._yielded,
    ast.YieldFrom: Quick._yielded_from,
    ast.NamedExpr: Quick._walrus,
    ast.ListComp: Quick._comprehension,
    ast.SetComp: Quick._comprehension,
    ast.GeneratorExp: Quick._comprehension,
    ast.DictComp: Quick._dict_comprehension,
}
