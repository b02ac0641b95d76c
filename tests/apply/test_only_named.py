"""What is only called like a client: it stays until somebody says that it is one."""

from __future__ import annotations

import json

from .conftest import Project

TEST = """
    from unittest.mock import AsyncMock

    from app import Service


    async def test_keeps():
        db = AsyncMock()
        assert Service(db).db is db
"""


def _fixes(project: Project) -> set[str]:
    found = json.loads(project.migrate("scan", "--format", "json", "tests/test_named.py").stdout)
    return {item["fix"] for item in found["violations"] if item["code"] == "RS201"}


def test_a_name_in_the_configuration_is_what_it_takes(project: Project) -> None:
    path = "tests/test_named.py"
    project.write(path, TEST)
    assert _fixes(project) == {"assisted"}
    assert '"db" = "postgres"' in project.migrate("apply", "--allow-dirty", path).stdout
    project.write("pyproject.toml", '[tool.migrate]\npaths = ["tests"]\n[tool.migrate.services]\n"db" = "postgres"\n')
    assert _fixes(project) == {"auto"}
    project.migrate("apply", "--allow-dirty", path)
    assert "def test_keeps(real_postgres)" in project.read(path)


def test_what_the_rest_of_the_class_uses_as_a_client_is_one(project: Project) -> None:
    path = "tests/test_named.py"
    project.write(
        path,
        """
        from unittest.mock import AsyncMock

        from app import Service


        class TestService:
            def setup_method(self):
                self.db = AsyncMock()

            async def test_keeps(self):
                assert Service(self.db).db is self.db

            async def test_saves(self):
                await Service(self.db).save()
                self.db.execute.assert_called_once()
        """,
    )
    assert _fixes(project) == {"auto"}
