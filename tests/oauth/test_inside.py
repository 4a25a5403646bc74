"""Connections to the embedded CRM that are made without anybody's consent."""

import pytest

from moorage.first_start import first_start
from tests.control import in_registry

OF_EARLIER_VERSIONS = (
    "ZohoCRM.modules.ALL ZohoCRM.settings.ALL ZohoCRM.users.ALL ZohoCRM.org.ALL ZohoCRM.bulk.ALL ZohoCRM.coql.READ"
    " ZohoCRM.notifications.ALL ZohoCRM.files.CREATE ZohoCRM.files.READ ZohoFiles.files.ALL"
    " ZohoCRM.composite_requests.CUSTOM ZohoSearch.securesearch.READ"
)
CONSENTED = "ZohoCRM.modules.ALL ZohoCRM.settings.ALL ZohoCRM.users.ALL ZohoCRM.org.ALL"
SHARE = "ZohoCRM.share.Leads.READ"


@pytest.fixture
def connection(control, owner):
    control.organisation("acme")
    connection = owner.connect("acme")
    return control.run(control.rooms.connections.get(owner.account, connection["connection_id"]))


def may_share(control, connection):
    """Whether the connection's own token may do what no earlier version asked for."""
    token = control.run(control.rooms.tokens.access(connection)).value
    return control.crm.accounts.principal(f"Bearer {token}").scopes.allows(SHARE)


def become(control, owner, connection, scopes):
    """Give a connection the scopes that it had in an earlier version."""
    in_registry(control, f"UPDATE refresh_tokens SET scopes = '{scopes}'")
    control.run(control.rooms.connections.widen({" ".join(connection.metadata["scopes"]): scopes}))
    control.crm.accounts.wrapped.forget()
    assert shown(owner, connection) == scopes.split()
    assert not may_share(control, connection)


def shown(owner, connection):
    return owner.get(f"/connections/{connection.id}").json["connection"]["metadata"]["scopes"]


def test_they_may_call_everything(control, owner, connection):
    assert may_share(control, connection)
    assert "ZohoCRM.share.all.ALL" in shown(owner, connection)


def test_a_start_lets_those_of_an_earlier_version_call_everything(control, owner, connection):
    everything = shown(owner, connection)
    become(control, owner, connection, OF_EARLIER_VERSIONS)
    control.run(control.rooms.widen_inside())
    assert may_share(control, connection)
    assert shown(owner, connection) == everything


def test_every_start_does_so(control, owner, connection):
    become(control, owner, connection, OF_EARLIER_VERSIONS)
    control.run(first_start(control.settings))
    assert OF_EARLIER_VERSIONS not in str(in_registry(control, "SELECT scopes FROM refresh_tokens"))
    assert shown(owner, connection) != OF_EARLIER_VERSIONS.split()


def test_a_start_leaves_what_a_person_consented_to(control, owner, connection):
    become(control, owner, connection, CONSENTED)
    control.run(control.rooms.widen_inside())
    assert not may_share(control, connection)
    assert shown(owner, connection) == CONSENTED.split()


def test_a_start_leaves_registered_clients_of_the_same_name(control, connection):
    organisation = control.crm.organisations.find("acme").id
    ((user,),) = in_registry(control, "SELECT DISTINCT user FROM clients")[0]
    control.crm.clients.register("Moorage gateway", organisation, user, (), self_client=True)
    in_registry(
        control,
        "UPDATE refresh_tokens SET client = (SELECT client FROM registrations)"
        f", scopes = '{OF_EARLIER_VERSIONS}'",
    )
    control.run(control.rooms.widen_inside())
    assert in_registry(control, "SELECT scopes FROM refresh_tokens")[0] == [(OF_EARLIER_VERSIONS,)]
