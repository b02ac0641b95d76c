"""Why a fake of a whole web service stays, and what a person does: an application answers in its place.

A fake by responses, respx and their kin answers what the code asks another host. The runtime serves applications of
the project's own; which one stands for that host, and how the code is told its address, only a person knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from migrator.codemods.site import Refuse
from migrator.libraries import FAKE_FIXTURES, FAKE_LIBRARIES

_HOST = re.compile(r"""["'](?:GET |POST )?(https?://[^/"'{\s?]+)""")


def web_fake(fake: str, text: str, applications: Sequence[str]) -> Refuse | None:
    """What to do about a fake of a web service in a test of that text; None where it is another kind of fake."""
    library = fake.partition(".")[0]
    row = FAKE_LIBRARIES.get(library)
    if row is None or row.service != "http":
        return None
    hosts = list(dict.fromkeys(_HOST.findall(text)))
    plays = f"{library} plays {' and '.join(hosts[:2]) or 'a web service'}"
    if not applications:
        return Refuse(
            f"{plays}: name the application that answers in its place in [tool.realservices.apps], give the code its"
            " address in [tool.realservices.env] ({apps.NAME.url}), and take the fake out",
            "assisted",
        )
    name = applications[0] if len(applications) == 1 else "NAME"
    address = f"{{apps.{name}.url}}"
    return Refuse(
        f"{plays}: let the code take that address from the environment, give it {address} in [tool.realservices.env],"
        " take the fake out, and expect what the application answers; real_http_client asks it what it holds",
        "assisted" if hosts else "manual",
    )


def library_of(evidence: str) -> str:
    """The library that a violation's evidence names; "" where it names none."""
    word = evidence.removeprefix("import ").removeprefix("fixture ").partition(".")[0]
    return FAKE_FIXTURES.get(word, word if word in FAKE_LIBRARIES else "")
