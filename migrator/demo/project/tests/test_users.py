import pytest
from shop.users import NoSuchUser, Unavailable, Users


async def test_register(mock_database):
    await Users(mock_database).register("u1", "ada@example.com", "Ada")

    mock_database.execute.assert_called_once_with(
        "INSERT INTO users (id, email, name) VALUES ($1, $2, $3)", "u1", "ada@example.com", "Ada"
    )


async def test_register_asks_once(mock_database):
    users = Users(mock_database)
    await users.register("u1", "ada@example.com", "Ada")
    mock_database.execute.assert_awaited_once()
    mock_database.fetchrow.assert_not_called()


async def test_register_while_the_database_is_down(mock_database):
    mock_database.execute.side_effect = ConnectionError("no route to host")
    with pytest.raises(Unavailable):
        await Users(mock_database).register("u1", "ada@example.com", "Ada")


async def test_find(mock_database):
    mock_database.fetchrow.return_value = {"id": "u1", "email": "ada@example.com", "name": "Ada", "plan": "pro"}

    user = await Users(mock_database).find("ada@example.com")

    assert user["id"] == "u1"
    assert user["plan"] == "pro"


async def test_find_nobody(mock_database):
    mock_database.fetchrow.return_value = None
    assert await Users(mock_database).find("bob@example.com") is None


async def test_rename(mock_database):
    mock_database.fetchrow.return_value = {"id": "u1", "email": "ada@example.com", "name": "Ada", "plan": "free"}

    await Users(mock_database).rename("ada@example.com", "Ada Lovelace")

    mock_database.execute.assert_called_once_with("UPDATE users SET name = $1 WHERE id = $2", "Ada Lovelace", "u1")


async def test_rename_nobody(mock_database):
    mock_database.fetchrow.return_value = None
    with pytest.raises(NoSuchUser):
        await Users(mock_database).rename("bob@example.com", "Bob")
    mock_database.execute.assert_not_called()


async def test_remove(mock_database):
    mock_database.fetchrow.return_value = {"id": "u1", "email": "ada@example.com", "name": "Ada", "plan": "free"}

    await Users(mock_database).remove("ada@example.com")

    mock_database.execute.assert_called_once_with("DELETE FROM users WHERE id = $1", "u1")


async def test_on_plan(mock_database):
    mock_database.fetch.return_value = [
        {"id": "u1", "email": "ada@example.com", "name": "Ada", "plan": "pro"},
        {"id": "u2", "email": "bob@example.com", "name": "Bob", "plan": "pro"},
    ]
    assert await Users(mock_database).on_plan("pro") == ["ada@example.com", "bob@example.com"]


async def test_count_of_nobody(mock_database):
    mock_database.fetchval.return_value = 0
    assert await Users(mock_database).count() == 0


async def test_a_slow_database(mock_database):
    mock_database.fetchrow.side_effect = TimeoutError
    with pytest.raises(TimeoutError):
        await Users(mock_database).find("ada@example.com")
