"""People with browsers, who use the gateway's pages where a socket would call them."""

from functools import partial

import argon2
import pytest

from moorage.web import passwords
from tests.control import control, owner, stranger  # noqa: F401 (fixtures)
from tests.control_database import (  # noqa: F401 (fixtures)
    control_in_postgresql,
    database_settings,
    shared_control_database,
)
from tests.people.browser import Browser


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    monkeypatch.setattr(
        passwords, "PasswordHasher", partial(argon2.PasswordHasher, time_cost=1, memory_cost=8)
    )


@pytest.fixture
def browser(control):  # noqa: F811
    return Browser(control)


@pytest.fixture
def ada(control, owner, browser):  # noqa: F811
    """The first owner of the account, signed in."""
    token = control.run(control.rooms.people.invite_anybody(owner.account, "owner"))
    assert browser.join(token).status == 200
    [person] = control.run(control.rooms.people.list(owner.account))
    return person


@pytest.fixture
def join(control):  # noqa: F811
    """Makes a person of an account, who has joined. Gives the person and their browser."""

    def join(account, role, name="Bob"):
        people, browser = control.rooms.people, Browser(control)
        token = control.run(people.invite_anybody(account, role))
        assert browser.join(token, name, f"{name.lower()}@example.com").status == 200
        [person] = [one for one in control.run(people.list(account)) if one.name == name]
        return person, browser

    return join
