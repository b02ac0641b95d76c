"""Sessions, profiles and locks, kept in Redis."""

from typing import Any

from redis.exceptions import ConnectionError as RedisDown

DAY = 86_400


class Sessions:
    """Sessions over a redis.asyncio client."""

    def __init__(self, redis: Any) -> None:
        self._redis = redis

    async def open(self, token: str, user_id: str) -> None:
        """Remembers for a day whose a token is."""
        await self._redis.set(f"session:{token}", user_id, ex=DAY)

    async def who(self, token: str) -> str | None:
        """Whose a token is; nobody's while Redis is down."""
        try:
            user: str | None = await self._redis.get(f"session:{token}")
        except RedisDown:
            return None
        return user

    async def close(self, token: str) -> bool:
        """Forgets a token; false where it was not known."""
        if await self.who(token) is None:
            return False
        await self._redis.delete(f"session:{token}")
        return True

    async def remember_profile(self, user_id: str, name: str, plan: str) -> None:
        """Keeps a profile at hand for ten minutes."""
        key = f"profile:{user_id}"
        await self._redis.hset(key, mapping={"name": name, "plan": plan})
        await self._redis.expire(key, 600)

    async def profile(self, user_id: str) -> dict[str, str]:
        """The profile at hand, empty where there is none."""
        held: dict[str, str] = await self._redis.hgetall(f"profile:{user_id}")
        return held

    async def attempt(self, email: str) -> int:
        """Counts a failed login; the count starts anew after a minute."""
        key = f"attempts:{email}"
        number: int = await self._redis.incr(key)
        if number == 1:
            await self._redis.expire(key, 60)
        return number

    async def visit(self, user_id: str, page: str) -> None:
        """Puts a page at the head of a user's history."""
        await self._redis.lpush(f"history:{user_id}", page)

    async def go_online(self, user_id: str) -> None:
        """Shows a user as online."""
        await self._redis.sadd("online", user_id)

    async def lock(self, name: str) -> bool:
        """Takes a lock for ten seconds; false where somebody has it."""
        taken = await self._redis.set(f"lock:{name}", "mine", nx=True, ex=10)
        return bool(taken)
