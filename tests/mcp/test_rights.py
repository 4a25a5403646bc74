"""Which organisations of the embedded CRM a key has: those to which connections lead that it sees."""

import pytest

from moorage.mcp.rights import Rights


@pytest.fixture
def organisations(control):
    """The organisations of a caller, by a key of the caller's with these scopes."""
    rights = Rights(control.rooms.connections, control.rooms.policies)

    def organisations(caller, **members):
        created = caller.call("POST", "/keys", {"name": "lab", "scopes": ["organisations:write"]} | members)
        principal = control.run(control.rooms.keys.authenticate(f"Bearer {created.json['secret']}"))
        return control.run(rights.organisations(principal))

    return organisations


def test_an_account_has_the_organisations_that_its_connections_lead_to(
    control, owner, stranger, organisations
):
    for slug in ("acme", "other", "unconnected"):
        control.organisation(slug)
    named = owner.connect("acme", alias="sales")["id"]
    unnamed = owner.connect("acme")["id"]
    stranger.connect("other")
    owner.connect()
    assert organisations(owner) == {"acme": ["sales", unnamed]}
    assert list(organisations(stranger)) == ["other"]
    assert organisations(owner, scopes=["organisations:write", f"proxy:{named}"]) == {"acme": ["sales"]}
    assert organisations(owner, mode="test") == {"acme": ["sales", unnamed]}


def test_a_deleted_connection_gives_no_organisation(control, owner, organisations):
    control.organisation("acme")
    connection = owner.connect("acme")
    owner.call("DELETE", f"/connections/{connection['id']}")
    assert organisations(owner) == {}
