"""Mocks that a patch makes itself and puts in the application."""

from __future__ import annotations

import pytest

from .conftest import Project

CACHE = """
    import os

    import redis
    import redis.asyncio

    client = redis.asyncio.Redis(port=1)
    plain = redis.Redis(port=1)


    async def remember(user, name):
        await client.set(f"name:{user}", name)
        await client.sadd("known", user)


    async def name_of(user):
        return await client.get(f"name:{user}")


    def note(user):
        plain.set(f"seen:{user}", "1")
        plain.sadd("known", user)


    async def get_client():
        return client


    async def rename(user, name):
        redis = await get_client()
        await redis.set(f"name:{user}", name)
        await redis.sadd("known", user)


    def count(user):
        counter = redis.Redis(port=1)
        counter.incr(f"seen:{user}")
        counter.sadd("known", user)


    async def shout(user):
        return (await redis.asyncio.from_url("redis://127.0.0.1:1").get(f"name:{user}")).upper()
"""
TESTS = {
    "context": """
        from unittest.mock import AsyncMock, patch

        from app import cache


        async def test_remember():
            with patch("app.cache.client", new_callable=AsyncMock) as mock_redis:
                await cache.remember("u", "Ada")
                mock_redis.set.assert_awaited_once_with("name:u", "Ada")
                mock_redis.sadd.assert_awaited_once_with("known", "u")


        async def test_name_of():
            with patch.object(cache, "client") as redis:
                redis.get = AsyncMock(return_value="Ada")
                assert await cache.name_of("u") == "Ada"
            redis.get.assert_awaited_once_with("name:u")


        def test_note():
            with (
                patch("app.cache.plain") as m,
                open(__file__) as file,
            ):
                cache.note("u")
                assert file.read()
                # what is left
            m.set.assert_called_once_with("seen:u", "1")
            assert m.sadd.call_count == 1
    """,
    "decorator": """
        from unittest import mock
        from unittest.mock import AsyncMock, patch

        import pytest

        from app import cache


        @pytest.mark.parametrize("user", ["u"])
        @patch("app.cache.client", new_callable=AsyncMock)
        async def test_remember(mock_redis, user):
            \"\"\"It remembers.\"\"\"
            await cache.remember(user, "Ada")
            mock_redis.set.assert_awaited_once_with("name:u", "Ada")
            mock_redis.sadd.assert_awaited_once_with("known", "u")


        class TestCache:
            @mock.patch.object(cache, "client")
            async def test_name_of(self, redis):
                redis.get = AsyncMock(return_value="Ada")
                assert await cache.name_of("u") == "Ada"
                redis.get.assert_awaited_once()

            @mock.patch("app.cache.plain")
            def test_note(self, redis, tmp_path):
                cache.note("u")
                redis.set.assert_called_once_with("seen:u", "1")
                assert redis.sadd.call_count == 1
    """,
    "factory": """
        from unittest.mock import AsyncMock, patch

        from app import cache


        async def test_rename():
            with patch("app.cache.get_client") as get_client:
                client = get_client.return_value
                await cache.rename("u", "Ada")
            client.set.assert_awaited_once_with("name:u", "Ada")
            client.sadd.assert_awaited_once_with("known", "u")


        @patch("app.cache.redis.Redis")
        def test_count(mock_redis_class):
            mock_redis_class.return_value.incr.return_value = 1
            cache.count("u")
            mock_redis_class.return_value.incr.assert_called_once_with("seen:u")
            mock_redis_class.return_value.sadd.assert_called_once_with("known", "u")


        @patch("app.cache.redis.asyncio")
        async def test_shout(mock_redis):
            mock_redis.from_url.return_value.get = AsyncMock(return_value="ada")
            assert await cache.shout("u") == "ADA"
            mock_redis.from_url.return_value.get.assert_awaited_once_with("name:u")
    """,
}


@pytest.mark.parametrize("shape", TESTS)
def test_what_was_patched_in_is_bound(shape: str, project: Project) -> None:
    project.write("app/__init__.py", "")
    project.write("app/cache.py", CACHE)
    project.write("tests/test_app.py", TESTS[shape])
    options = ["-o", "asyncio_mode=auto", "-o", "pythonpath=."]
    before = project.pytest(*options)
    assert "3 passed" in before.stdout, before.stdout + before.stderr
    report = project.migrate("apply")
    assert "mock" not in project.read("tests/test_app.py").lower(), report.stdout
    green = project.pytest(*options, "--real-services=embedded")
    assert "3 passed" in green.stdout, green.stdout + green.stderr
    project.write("app/cache.py", CACHE.replace("sadd(", "srem("))
    red = project.pytest(*options, "--real-services=embedded")
    assert "2 failed, 1 passed" in red.stdout, red.stdout + red.stderr


LEFT = {
    "how it is made": (
        """
        @patch("app.cache.Redis")
        def test_name(redis):
            cache.read("u")
            redis.assert_called_once_with(host="h")
            redis.return_value.get.assert_called_once_with("name:u")
        """,
        "what is patched is Redis, which is called itself",
    ),
    "a factory of either kind": (
        """
        async def test_name():
            with patch("app.cache.get_redis") as get_redis:
                await cache.read("u")
                get_redis.return_value.get.assert_called_once_with("name:u")
        """,
        "nothing says whether the client is asynchronous",
    ),
    "another under its name": (
        """
        @patch("app.cache.Redis")
        def test_name(cls):
            redis = cls.return_value
            cache.read("u")
            redis.get.assert_called_once_with("name:u")
            redis = None
        """,
        "what is patched is Redis, which is called itself",
    ),
    "two of a service": (
        """
        @patch("app.cache.client")
        @patch("app.cache.redis_replica")
        def test_name(other, redis):
            cache.read("u")
            redis.get.assert_called_once_with("name:u")
            other.get.assert_not_called()
        """,
        "several redis clients of the test would be one, with one journal",
    ),
    "a strange decorator of a class": (
        """
        @cache.handing
        @patch("app.cache.client")
        class TestName:
            def test_name(self, redis):
                cache.read("u")
                redis.get.assert_called_once_with("name:u")
        """,
        "a decorator of the class patches it in",
    ),
    "a strange decorator": (
        """
        @patch("app.cache.client")
        @cache.handing
        def test_name(redis, clock):
            cache.read("u")
            redis.get.assert_called_once_with("name:u")
        """,
        "what cache.handing hands to the test is not known",
    ),
    "a decorated method": (
        """
        @patch("app.cache.redis_client.get", return_value="Ada")
        def test_name(get):
            assert cache.read("u") == "Ada"
            get.assert_called_once_with("name:u")
        """,
        "the patch says return_value=",
    ),
    "a method": (
        """
        def test_name():
            with patch("app.cache.redis_client.get") as get:
                get.return_value = "Ada"
                assert cache.read("u") == "Ada"
                get.assert_called_once_with("name:u")
        """,
        "what is patched is get",
    ),
    "a factory": (
        """
        def test_name():
            with patch("app.cache.get_redis") as m:
                cache.read("u")
                m.get.assert_called_once_with("name:u")
        """,
        "what is patched is get_redis",
    ),
    "either kind": (
        """
        async def test_name():
            with patch("app.cache.client", autospec=True) as redis:
                await cache.read("u")
                redis.get.assert_called_once_with("name:u")
        """,
        "nothing says whether the client is asynchronous",
    ),
    "something follows": (
        """
        def test_name():
            with patch("app.cache.client") as redis:
                cache.read("u")
                redis.get.assert_called_once_with("name:u")
            cache.close()
        """,
        "what follows the patch may want what it replaced",
    ),
    "in a loop": (
        """
        def test_name():
            for user in "ab":
                with patch("app.cache.client") as redis:
                    cache.read(user)
                    redis.get.assert_called_once_with("name:u")
        """,
        "what follows the patch may want what it replaced",
    ),
    "more than a mock": (
        """
        def test_name():
            with patch("app.cache.client", wraps=cache.client) as redis:
                cache.read("u")
                redis.get.assert_called_once_with("name:u")
        """,
        "the patch says wraps=",
    ),
    "a local owner": (
        """
        def test_name():
            service = cache.Service()
            with patch.object(service, "client") as redis:
                service.read("u")
                redis.get.assert_called_once_with("name:u")
        """,
        "no dotted path that can be read here",
    ),
    "nothing asked": (
        """
        def test_name():
            with patch("app.cache.redis_client") as redis:
                cache.read("u")
        """,
        "nothing says that what is patched is a client",
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_is_not_sure_stays_and_says_what_to_do(case: str, project: Project) -> None:
    body, reason = LEFT[case]
    path = project.write("tests/test_app.py", body)
    path.write_text("from unittest.mock import patch\n\nfrom app import cache\n\n" + path.read_text())
    before = path.read_text()
    done = project.migrate("apply")
    assert path.read_text() == before
    assert reason in done.stdout
