"""People who use the console of a whole server."""

import pytest

from tests.console.visitor import Visitor
from tests.flows.chromium import MISSING, PROGRAM, Chromium
from tests.flows.conftest import (  # noqa: F401 (fixtures)
    begun,
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


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """One browser for the tests of all screens, as it takes long to start."""
    if PROGRAM is None:
        pytest.skip(MISSING)
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.stop()


@pytest.fixture
def tab(chromium):
    """Makes a tab in which a visitor is signed in."""
    opened = []

    def tab(visitor):
        opened.append(chromium.tab(chromium.person()))
        opened[-1].take_cookie(visitor.server.gateway, visitor.cookie)
        return opened[-1]

    yield tab
    for each in opened:
        each.close()
