"""What holds for all tests."""

import gc
import os
import sys

import pytest

from tests.postgresql import (  # noqa: F401 (fixtures)
    begin_run,
    database_url,
    end_run,
    new_database,
    new_postgresql,
    postgresql,
    postgresql_folder,
    postgresql_owner,
)

# Tests start Moorage in a process of its own by the hundred, and each would compile all of it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False  # Nor shall each process of a run compile all tests anew.


def pytest_configure(config):
    """A run has one folder for servers. Its first process makes it, and tells the others."""
    if hasattr(config, "workerinput"):
        config.postgresql_folder = config.workerinput["postgresql_folder"]
    else:
        config.postgresql_folder, config.postgresql_life = begin_run()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["postgresql_folder"] = str(node.config.postgresql_folder)


def pytest_collection_finish():
    """Collected tests live until the end: half a million objects that each collection of garbage would look through."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config):
    if hasattr(config, "postgresql_life"):
        end_run(config.postgresql_folder, config.postgresql_life)
