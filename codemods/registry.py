"""Where rewrites register themselves: a file of this folder that is imported adds its functions here."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import libcst as cst

from migrator.codemods.site import Result, ServiceTable, Site, Target

StatementRule = Callable[[Site], Result | None]
ExpressionRule = Callable[[cst.BaseExpression, Target], cst.BaseExpression | None]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A registered rewrite of statements: its name is its file's."""

    name: str
    shape: str
    rule: StatementRule
    order: int


_STATEMENTS: list[Rewrite] = []
_EXPRESSIONS: list[tuple[str, ExpressionRule]] = []
_TABLES: dict[str, ServiceTable] = {}


def statement(shape: str, order: int = 50) -> Callable[[StatementRule], StatementRule]:
    """Registers a rewrite of statements of a shape; those of a lower order are asked first."""

    def register(rule: StatementRule) -> StatementRule:
        _STATEMENTS.append(Rewrite(rule.__module__.rpartition(".")[2], shape, rule, order))
        return rule

    return register


def expression(rule: ExpressionRule) -> ExpressionRule:
    """Registers a rewrite of expressions."""
    _EXPRESSIONS.append((rule.__module__.rpartition(".")[2], rule))
    return rule


def table(row: ServiceTable) -> ServiceTable:
    """Registers what is known of a service."""
    _TABLES[row.service] = row
    return row


@cache
def _load() -> None:
    for package in ("migrator.codemods", "migrator.codemods.services"):
        folder = importlib.import_module(package)
        for module in pkgutil.iter_modules(folder.__path__):
            if not module.ispkg:
                importlib.import_module(f"{package}.{module.name}")
    _STATEMENTS.sort(key=lambda rewrite: (rewrite.order, rewrite.name))
    _EXPRESSIONS.sort(key=lambda row: row[0])


def statements(shape: str) -> list[Rewrite]:
    """The rewrites of statements of a shape, in the order that they are asked."""
    _load()
    return [rewrite for rewrite in _STATEMENTS if rewrite.shape == shape]


def expressions() -> list[tuple[str, ExpressionRule]]:
    """The rewrites of expressions."""
    _load()
    return _EXPRESSIONS


def service_table(service: str) -> ServiceTable | None:
    """What is known of a service's client."""
    _load()
    return _TABLES.get(service)
