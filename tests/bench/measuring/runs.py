"""How the benchmarks run pytest on projects that they write."""

from __future__ import annotations

import os
from collections.abc import Mapping


def plain_environment(**changes: str) -> Mapping[str, str]:
    """The environment without what says where services are, or that has every run compile what it imports."""
    dropped = ("TEST_", "PYTEST_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, **changes}
