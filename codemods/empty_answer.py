"""Takes away answers that the real service gives by itself.

An empty Redis answers None to GET, an empty table no rows, a SET that succeeds True: programming a mock to say so adds
nothing once the service is real.
"""

from __future__ import annotations

from migrator.codemods.command import command
from migrator.codemods.registry import service_table, statement
from migrator.codemods.site import Replace, Result, Site

EXAMPLES = [
    (
        """
        async def test_miss(mock_redis):
            mock_redis.get.return_value = None
            assert await read(mock_redis, "k") is None
        """,
        """
        async def test_miss(real_redis):
            assert await read(real_redis, "k") is None
        """,
    ),
]


@statement("answer", order=10)
def empty_answer(site: Site) -> Result | None:
    """Drops an answer of an empty service."""
    table = service_table(site.target.service)
    if table is None or site.value is None:
        return None
    return Replace() if table.empty(site, site.method, site.value) else None


Command = command(__name__)
