"""What every test needs: a cache of the tests' own."""

import os
import shutil
import tempfile

import pytest


def pytest_configure(config: pytest.Config) -> None:
    folder = os.environ["MIGRATE_CACHE_DIR"] = tempfile.mkdtemp(prefix="mock-migrator-cache-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
