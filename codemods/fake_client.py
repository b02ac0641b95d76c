"""Puts the real client in the place of a fake one by fakeredis and its kin.

A fake client is used like a real one, so nothing else of the test changes; it answers bytes unless it was told to
decode them, and so does the real one in its place.
"""

from __future__ import annotations

from migrator.codemods.command import command
from migrator.model import StandIn

LIBRARIES = frozenset({"fakeredis", "mockredis", "birdisle"})
"""Libraries whose fakes are clients; other fakes play whole web services."""

EXAMPLES = [
    (
        """
        import fakeredis

        from app import read


        def test_reads():
            client = fakeredis.FakeRedis()
            client.set("k", "v")
            assert read(client, "k") == b"v"
        """,
        """
        from app import read


        def test_reads(real_redis):
            client = real_redis.bytes.sync
            client.set("k", "v")
            assert read(client, "k") == b"v"
        """,
    ),
    (
        """
        import fakeredis
        import pytest

        from app import read


        @pytest.fixture
        def redis():
            return fakeredis.FakeAsyncRedis(decode_responses=True)


        async def test_reads(redis):
            await redis.set("k", "v")
            assert await read(redis, "k") == "v"
        """,
        """
        from app import read


        async def test_reads(real_redis):
            await real_redis.set("k", "v")
            assert await read(real_redis, "k") == "v"
        """,
    ),
]


def is_fake_client(stand_in: StandIn) -> bool:
    """Whether a stand-in is a fake that the real client can take the place of."""
    return stand_in.fake.partition(".")[0] in LIBRARIES


__getattr__ = command(__name__)
