"""A detector as people write it by hand: every file through ast, names matched where they stand.

python ast_visitor.py FOLDER
"""

import ast
import sys
from pathlib import Path

MAKERS = {"MagicMock", "Mock", "AsyncMock", "patch"}
PROGRAMMED = {"return_value", "side_effect"}


class Counter(ast.NodeVisitor):
    """Counts what the eight patterns of the other tools match."""

    def __init__(self) -> None:
        self.found = 0

    def visit_Call(self, node: ast.Call) -> None:
        """Makers of mocks, patches and assertions."""
        if isinstance(node.func, ast.Name):
            self.found += node.func.id in MAKERS
        elif isinstance(node.func, ast.Attribute):
            of_patch = isinstance(node.func.value, ast.Name) and node.func.value.id == "patch"
            self.found += node.func.attr == "assert_called_once_with" or (of_patch and node.func.attr == "object")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Programmed answers."""
        self.found += any(isinstance(target, ast.Attribute) and target.attr in PROGRAMMED for target in node.targets)
        self.generic_visit(node)


if __name__ == "__main__":
    counter = Counter()
    for path in sorted(Path(sys.argv[1]).rglob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue
        counter.visit(tree)
    print(counter.found)
