"""Whether a test is about an address of its own: the real HTTP client talks to the configured application, no other."""

from __future__ import annotations

import re

from migrator.codemods.application import written
from migrator.codemods.site import Refuse, Test

_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request", "stream")
_ABSOLUTE = re.compile(r"""^[A-Za-z]{0,2}["']{0,3}(https?://[^/"'{]*)""")


def absolute_url(test: Test) -> Refuse | None:
    """Why a test stays whose code, or assertion, names another host; None where none is seen."""
    urls = sorted(test.asserted)
    for verb in _VERBS:
        for arguments in test.asked(verb):
            urls += [value for argument in arguments[:2] if (value := written(argument)) is not None]
    hosts = [match[1] for url in urls if (match := _ABSOLUTE.match(url))]
    if not hosts:
        return None
    return Refuse(
        f"the code calls {hosts[0]}, which no application stands for: let it take its base URL from the environment, "
        "and give it there as {apps.NAME.url} in [tool.realservices.env]",
        "assisted",
    )
