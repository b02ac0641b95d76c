from unittest.mock import AsyncMock

from redis.exceptions import ConnectionError as RedisDown
from shop.sessions import DAY, Sessions


async def test_open(mock_redis):
    await Sessions(mock_redis).open("t1", "u1")
    mock_redis.set.assert_called_once_with("session:t1", "u1", ex=DAY)


async def test_who(mock_redis):
    mock_redis.get.return_value = "u1"

    assert await Sessions(mock_redis).who("t1") == "u1"

    mock_redis.get.assert_called_once_with("session:t1")


async def test_who_is_unknown(mock_redis):
    mock_redis.get.return_value = None
    assert await Sessions(mock_redis).who("t1") is None


async def test_who_while_redis_is_down(mock_redis):
    mock_redis.get.side_effect = RedisDown("connection refused")
    who = await Sessions(mock_redis).who("t1")
    assert who is None


async def test_close(mock_redis):
    mock_redis.get.return_value = "u1"

    assert await Sessions(mock_redis).close("t1") is True

    mock_redis.delete.assert_called_once_with("session:t1")


async def test_close_what_is_closed(mock_redis):
    mock_redis.get.return_value = None
    assert await Sessions(mock_redis).close("t1") is False
    mock_redis.delete.assert_not_called()


async def test_remember_profile(mock_redis):
    await Sessions(mock_redis).remember_profile("u1", "Ada", "pro")

    mock_redis.hset.assert_called_once_with("profile:u1", mapping={"name": "Ada", "plan": "pro"})
    mock_redis.expire.assert_called_once_with("profile:u1", 600)


async def test_profile_is_not_at_hand():
    redis = AsyncMock()
    redis.hgetall.return_value = {}
    assert await Sessions(redis).profile("u1") == {}


async def test_first_attempt(mock_redis):
    mock_redis.incr.return_value = 1

    assert await Sessions(mock_redis).attempt("ada@example.com") == 1

    mock_redis.expire.assert_called_once_with("attempts:ada@example.com", 60)


async def test_visit():
    redis = AsyncMock()
    await Sessions(redis).visit("u1", "/cart")
    redis.lpush.assert_awaited_once_with("history:u1", "/cart")


async def test_go_online(mock_redis):
    await Sessions(mock_redis).go_online("u1")
    mock_redis.sadd.assert_called_once_with("online", "u1")


async def test_lock_is_taken(mock_redis):
    mock_redis.set.return_value = None

    assert await Sessions(mock_redis).lock("import") is False

    mock_redis.set.assert_called_once_with("lock:import", "mine", nx=True, ex=10)


async def test_two_visits(mock_redis):
    sessions = Sessions(mock_redis)
    await sessions.visit("u1", "/cart")
    await sessions.visit("u1", "/pay")
    assert mock_redis.lpush.call_count == 2
    assert mock_redis.lpush.call_args[0][1] == "/pay"
