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


@pytest.fixture(scope="session")
def members():
    """Those who have joined the shared servers, by server and role: to join takes much longer than a page."""
    return {}


@pytest.fixture
def member(server, join, members):  # noqa: F811
    """Somebody with a role, whom other tests share. A test that changes the person, or signs out, makes its own."""

    def member(role):
        key = server.gateway, role
        if key not in members:
            members[key] = join(role)
        return members[key]

    return member


@pytest.fixture
def owner(member):
    return member("owner")


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

    def tab(visitor, *, draws=False):
        opened.append(chromium.tab(chromium.person(), draws=draws))
        opened[-1].take_cookie(visitor.server.gateway, visitor.cookie)
        return opened[-1]

    yield tab
    for each in opened:
        each.close()


@pytest.fixture
def browse(server, tab, member):  # noqa: F811
    """Makes a tab in which a member with a role is signed in. Its `server` is the address of the gateway."""

    def browse(role="owner", width=1280):
        opened = tab(member(role))
        opened.be_wide(width)
        opened.server = server.gateway
        return opened

    return browse
