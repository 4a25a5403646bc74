"""People who use the console of a whole server."""

import pytest

from tests.console.visitor import Visitor
from tests.flows.conftest import (  # noqa: F401 (fixtures)
    own_server,
    own_storage,
    postgresql_server,
    server,
    sqlite_server,
    storage,
)


@pytest.fixture
def visitor(server):  # noqa: F811
    """Somebody who is not signed in."""
    return Visitor(server)


@pytest.fixture
def join(server):  # noqa: F811
    """Makes somebody with a role, who is signed in."""
    return lambda role: Visitor(server).join(role)


@pytest.fixture
def owner(join):
    return join("owner")
