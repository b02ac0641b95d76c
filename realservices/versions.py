"""Comparing the version of a server with the one that is wanted."""

import re


def satisfies(version: str, wanted: str) -> bool:
    """Whether `version` is `wanted` or a release of it: 15.18 is a 15, but not a 15.1; anything is a ""."""
    return not wanted or version == wanted or version.startswith(f"{wanted}.")


def at_least(version: str, oldest: str) -> bool:
    """Whether `version` is `oldest` or later; an unknown version ("") is not."""
    return bool(version) and _numbers(version) >= _numbers(oldest)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
