"""Fixtures for all rooms behind the control API, and an accounts server that answers as a test says."""

import asyncio

import pytest

from moorage.connections.model import Upstream
from moorage.oauth.model import AccessToken, Minted
from tests.control import control, owner, quick_openings, stranger  # noqa: F401
from tests.control_database import (  # noqa: F401
    control_in_postgresql,
    database_settings,
    shared_control_database,
)

HOUR = 3600.0


class Accounts:
    """Gives numbered tokens, unless there is a `fault`; `meanwhile` happens while it is asked.

    One that `rotates` gives another refresh token each time, and refuses those that were used.
    """

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self.fault = self.meanwhile = self.api_domain = None
        self.rotates = False
        self.lifetime = HOUR

    async def refresh(self, connection, refresh_token):
        self.asked.append(refresh_token)
        number = len(self.asked)
        await asyncio.sleep(0)
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.fault is not None:
            raise self.fault
        access = AccessToken(f"new-{number}", self.clock.timestamp() + self.lifetime)
        return Minted(access, f"refresh-{number}" if self.rotates else None, self.api_domain)


@pytest.fixture
def connected(control, owner):  # noqa: F811
    """An ACTIVE connection as the gateway reads it."""
    control.organisation("acme")
    connection = owner.connect("acme")
    return control.run(control.rooms.connections.get(owner.account, connection["id"]))


@pytest.fixture
def refreshing(control, monkeypatch):  # noqa: F811
    accounts = Accounts(control.clock)
    monkeypatch.setattr(control.rooms.tokens._renewals, "_refresh", accounts.refresh)
    return accounts


def access(control, connection, **options):  # noqa: F811
    return control.run(control.rooms.tokens.access(connection, **options))


def read_again(control, connection):  # noqa: F811
    return control.run(control.rooms.connections.get(connection.account_id, connection.id))


def remote(control, owner, base_url="https://www.zohoapis.com", data_centre="us"):  # noqa: F811
    """A connection that leads to a data centre."""
    created = owner.connect()
    connection = control.run(control.rooms.connections.get(owner.account, created["id"]))
    token = AccessToken("old", control.clock.timestamp() + HOUR)
    upstream = Upstream("remote", base_url=base_url, data_centre=data_centre)

    def keep(tx):
        return control.rooms.tokens.keep(tx, connection.id, token, "refresh-0")

    control.run(control.rooms.connections.activate(connection, upstream, {"user": "somebody"}, keep))
    return read_again(control, connection)
