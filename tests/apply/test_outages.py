"""Programmed errors: what becomes a real outage, and what stays with which advice."""

from __future__ import annotations

import pytest

from tests.apply.conftest import Project

OPTIONS = ("-o", "asyncio_mode=auto", "-o", "pythonpath=.")
APP = """
    class Unavailable(Exception):
        pass


    async def read(redis, key):
        try:
            return await redis.get(key)
        except Exception:
            return None


    async def must_read(redis, key):
        try:
            return await redis.get(key)
        except Exception as error:
            raise Unavailable(key) from error


    async def plain_read(redis, key):
        return await redis.get(key)
"""
TESTS = """
    import pytest
    from redis.exceptions import ConnectionError as RedisConnectionError
    from redis.exceptions import RedisError

    from app import Unavailable, must_read, plain_read, read


    async def test_none(mock_redis):
        mock_redis.get.side_effect = Exception("Redis is down")
        assert await read(mock_redis, "k") is None


    async def test_own_error(mock_redis):
        mock_redis.get.side_effect = RedisConnectionError("refused")
        with pytest.raises(Unavailable):
            await must_read(mock_redis, "k")


    async def test_client_error(mock_redis):
        mock_redis.get.side_effect = RedisConnectionError("refused")
        with pytest.raises(RedisError):
            await plain_read(mock_redis, "k")
"""


def test_outages_are_real(project: Project) -> None:
    project.write("app.py", APP)
    path = project.write("tests/test_app.py", TESTS)
    assert "3 passed" in project.pytest(*OPTIONS).stdout
    report = project.migrate("apply").stdout
    assert "mock" not in path.read_text(), report
    green = project.pytest(*OPTIONS, "--real-services=embedded")
    assert "3 passed" in green.stdout, green.stdout
    code = project.read("app.py")
    project.write(
        "app.py", code.replace("except Exception", "except KeyError").replace("return await redis", "await redis")
    )
    red = project.pytest(*OPTIONS, "--real-services=embedded")
    assert "2 failed, 1 passed" in red.stdout, red.stdout


@pytest.mark.parametrize(
    ("error", "act", "reason"),
    [
        ('ConnectionError("x")', "with pytest.raises(ConnectionError):", "the test waits for ConnectionError"),
        ('ConnectionError("x")', 'with pytest.raises(Exception, match="x"):', "take match= out of pytest.raises"),
        ("TimeoutError()", "if True:", "real_redis.latency(seconds) longer than the code's own time limit"),
        ('[ConnectionError(), "v"]', "if True:", "make the first attempt fail with real_redis.reset_connections()"),
        ('["a", "b"]', "if True:", "seed what the first call finds, and change it between the acts"),
        ('ValueError("odd")', "if True:", "get raises ValueError: bring about what the service answers so"),
        ("compute", "if True:", "get computes its answer (compute): write what it answers to real_redis before"),
    ],
)
def test_what_is_no_outage_stays(project: Project, error: str, act: str, reason: str) -> None:
    text = f"""
        import pytest


        async def test_it(mock_redis):
            mock_redis.get.side_effect = {error}
            {act}
                await read(mock_redis)
    """
    path = project.write("tests/test_a.py", text)
    before = path.read_text()
    report = project.migrate("apply").stdout
    assert path.read_text() == before
    assert reason in report, report
