"""`python -m tests.bench NAME …` runs one benchmark; each prints a table."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path


def main() -> None:
    """Runs the benchmark that the first argument names."""
    known = sorted(
        item.name
        for item in pkgutil.iter_modules([str(Path(__file__).parent)])
        if not item.ispkg and item.name != "__main__"
    )
    if len(sys.argv) < 2 or sys.argv[1] not in known:
        print(f"usage: python -m tests.bench {'|'.join(known)} …", file=sys.stderr)
        sys.exit(2)
    importlib.import_module(f"tests.bench.{sys.argv[1]}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
