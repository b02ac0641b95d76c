"""The WebSocket paths of the project's applications, read from their source; nothing of it is imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from migrator.source import decode, tree_of

_ROUTES = frozenset(
    {"websocket", "websocket_route", "WebSocketRoute", "add_websocket_route", "add_api_websocket_route"}
)


def websocket_paths(root: Path, applications: Mapping[str, object]) -> tuple[str, ...]:
    """The paths that the applications' own modules route WebSockets to, or compare a WebSocket's path with."""
    found: dict[str, None] = {}
    for target in applications.values():
        if not isinstance(target, str):
            continue
        stem = root.joinpath(*target.partition(":")[0].split("."))
        for path in (stem.with_suffix(".py"), stem / "__init__.py"):
            try:
                tree = tree_of(decode(path.read_bytes()))
            except (OSError, SyntaxError, ValueError):
                continue
            found.update(dict.fromkeys(_paths(tree)))
    return tuple(found)


def _paths(tree: ast.Module) -> list[str]:
    routed = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _name(node.func) in _ROUTES
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]
    named = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _sounds_so(node.value)
    ]
    return routed or named


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _sounds_so(text: str) -> bool:
    return text == "/ws" or text.startswith("/ws/") or (text.startswith("/") and text.endswith("/ws"))
