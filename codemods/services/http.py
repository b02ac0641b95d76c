"""HTTP: an application that is configured answers for itself."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from migrator.codemods.registry import table
from migrator.codemods.site import Refuse, ServiceTable, Site, is_literal

_NO_BODY = frozenset({"status_code", "status", "is_success", "ok", "raise_for_status"})


def empty(site: Site, method: str, value: cst.BaseExpression) -> bool:
    """Whether the configured application gives the answer by itself: a status without a body."""
    if not site.test.environment.applications:
        return False
    if isinstance(value, cst.Call):
        return all(
            argument.keyword.value in _NO_BODY if argument.keyword else isinstance(argument.value, cst.Integer)
            for argument in value.args
            if argument.star == ""
        ) and all(argument.star == "" for argument in value.args)
    return is_literal(value, None)


def state(site: Site) -> Sequence[str] | None:
    """What a request changes is the application's: only what was sent can be asserted here."""
    return None


def seed(site: Site, method: str, value: cst.BaseExpression) -> Sequence[str] | Refuse | None:
    """An answer with a body is the application's to give."""
    if not site.test.environment.applications:
        return Refuse("name the application that answers in [tool.realservices.apps]", "assisted")
    return Refuse(f"the mock answers {method} with a body: expect what the application really answers", "manual")


HTTP = table(ServiceTable("http", empty, state, seed))
