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
from tests.zoho_description import run as zoho_description

# Tests start Moorage in a process of its own by the hundred, and each would compile all of it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False  # Nor shall each process of a run compile all tests anew.


def pytest_configure(config):
    """A run has one folder for servers. Its first process makes it, and tells the others."""
    if hasattr(config, "workerinput"):
        config.postgresql_folder = config.workerinput["postgresql_folder"]
    else:
        config.postgresql_folder, config.postgresql_life = begin_run()
    zoho_description.begin(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["postgresql_folder"] = str(node.config.postgresql_folder)
    node.workerinput["zoho_notes"] = getattr(node.config, "zoho_notes", None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """A run whose answers disagree with Zoho's description fails."""
    if not hasattr(session.config, "workerinput"):
        session.config.zoho_lines, disagrees = zoho_description.end(session.config)
        if disagrees and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    for line in config.zoho_lines:
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def same_umask():
    """Commands that a test calls in this process keep what they make to themselves. Later tests make files for others,
    such as the user that runs PostgreSQL."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def pytest_collection_finish():
    """Collected tests live until the end: half a million objects that each collection of garbage would look through."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config):
    if hasattr(config, "postgresql_life"):
        end_run(config.postgresql_folder, config.postgresql_life)
