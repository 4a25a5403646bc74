"""Which connection a call acts through."""

import pytest

from moorage.access import Reach
from moorage.connections.errors import (
    ConnectionAppMismatch,
    ConnectionInactive,
    ConnectionMissing,
    ConnectionUnknown,
    DefaultDeleted,
)
from moorage.connections.model import Upstream
from tests.control_database import on_both as database_settings  # noqa: F401

EMBEDDED = Upstream("embedded", organisation="acme")
OUTSIDE = Upstream("remote", "https://www.zohoapis.com", data_centre="us")
SANDBOX = Upstream("remote", "https://sandbox.zohoapis.com", data_centre="us")
DEFAULT = "/apps/zoho-crm/default"


def choose(caller, connection_id=None, app="zoho-crm", reach=Reach()):  # noqa: B008 (a value)
    connections = caller.control.rooms.connections
    return caller.control.run(connections.choose(caller.account, app, connection_id, reach)).id


def lead(caller, upstream, **metadata):
    """The id of a new connection that leads there."""
    rooms, control = caller.control.rooms, caller.control
    connection = control.run(rooms.connections.create(caller.account, "zoho-crm"))

    async def nothing(_tx):
        pass

    control.run(rooms.connections.activate(connection, upstream, metadata, nothing))
    control.clock.advance(1)
    return connection.id


def fail(caller, connection_id):
    rooms = caller.control.rooms

    async def failing():
        connection = await rooms.connections.get(caller.account, connection_id)
        async with rooms.database.transaction() as tx:
            await rooms.connections.fail_in(tx, connection, "invalid_code")

    caller.control.run(failing())


def use(caller, connection_id, key=None):
    owner = caller if key is None else key
    return owner.call("PUT", DEFAULT, {"connection_id": connection_id})


@pytest.fixture
def three(control, owner):
    """PENDING, ACTIVE and ACTIVE, the oldest first; the youngest was connected before the one in the middle."""
    control.organisation("acme")
    connections = []
    for _ in range(3):
        connections.append(owner.connect())
        control.clock.advance(1)
    for connection in (connections[2], connections[1]):
        control.press(connection["url"], "acme")
        control.clock.advance(1)
    return [connection["id"] for connection in connections]


def test_unless_named_it_is_the_oldest_active_one(owner, three):
    assert choose(owner) == three[1]
    owner.call("DELETE", f"/connections/{three[1]}")
    assert choose(owner) == three[2]


def test_a_connection_that_is_named_is_that_one(owner, three):
    assert choose(owner, three[2]) == three[2]
    assert choose(owner, three[2].upper()) == three[2]


def test_a_connection_that_is_not_active_is_refused_with_its_state(owner, three):
    with pytest.raises(ConnectionInactive, match="PENDING") as caught:
        choose(owner, three[0])
    assert f"GET /connections/{three[0]}" in caught.value.help


def test_without_any_it_says_how_to_make_one(owner, stranger, three):
    with pytest.raises(ConnectionMissing) as caught:
        choose(stranger)
    assert "POST /connections" in caught.value.help
    with pytest.raises(ConnectionMissing):
        choose(owner, app="another-app")


def test_a_connection_of_another_app_is_refused_and_names_both(owner, three):
    with pytest.raises(ConnectionAppMismatch, match=r"zoho-crm.*another-app"):
        choose(owner, three[1], app="another-app")


def test_a_strangers_is_as_unknown_as_one_that_never_was(owner, stranger, three):
    told = []
    for named in (three[1], "e55c5bac-241a-4cc8-9db5-50d2cad09136", "", "x", three[1].replace("-", "")):
        with pytest.raises(ConnectionUnknown) as caught:
            choose(stranger, named)
        told.append((caught.value.message.replace(repr(named), "?"), caught.value.help))
    assert len(set(told)) == 1


def test_the_embedded_crm_only_stands_in_until_an_account_outside_is_connected(owner):
    first = lead(owner, EMBEDDED)
    assert choose(owner) == first
    outside = lead(owner, OUTSIDE)
    lead(owner, SANDBOX)
    assert choose(owner) == outside  # The oldest of those outside.
    assert choose(owner, first) == first  # The embedded one counts once it is named.
    owner.call("DELETE", f"/connections/{first}")
    assert choose(owner) == outside


def test_what_was_meant_for_an_account_outside_that_failed_never_ends_in_the_embedded_crm(owner):
    lead(owner, EMBEDDED)
    outside = lead(owner, OUTSIDE)
    fail(owner, outside)
    with pytest.raises(ConnectionInactive, match=rf"{outside}, the only one .* is FAILED"):
        choose(owner)
    other = lead(owner, OUTSIDE)
    assert choose(owner) == other


def test_a_test_key_goes_on_with_the_embedded_crm(owner):
    first = lead(owner, EMBEDDED)
    outside = lead(owner, OUTSIDE)
    test_key = Reach(embedded_only=True)
    assert choose(owner, reach=test_key) == first
    assert use(owner, outside).status == 200
    assert choose(owner, reach=test_key) == first


def test_a_connection_that_was_chosen_is_the_default_until_the_rule_is_wanted_again(owner):
    embedded, first, second = lead(owner, EMBEDDED), lead(owner, OUTSIDE), lead(owner, SANDBOX)
    for chosen in (second, embedded, first):
        told = use(owner, chosen).json["default"]
        assert told == {"app": "zoho-crm", "connection_id": chosen, "chosen": chosen}
        assert choose(owner) == chosen
        assert [connection["id"] for connection in listed(owner) if connection["default"]] == [chosen]
    assert use(owner, second).status == 200
    told = owner.call("DELETE", DEFAULT).json["default"]
    assert told == {"app": "zoho-crm", "connection_id": first, "chosen": None}
    assert choose(owner) == first


def listed(owner):
    return owner.get("/connections").json["connections"]


def test_without_the_default_that_was_chosen_calls_fail_with_a_list_until_another_is(owner):
    embedded = lead(owner, EMBEDDED, organisation="Acme")
    gone, left = lead(owner, OUTSIDE), lead(owner, OUTSIDE, user="ana@acme.example")
    use(owner, gone)
    owner.call("DELETE", f"/connections/{gone}")
    with pytest.raises(DefaultDeleted, match=gone) as caught:
        choose(owner)
    assert f"{left} (ana@acme.example)" in caught.value.help and f"{embedded} (Acme)" in caught.value.help
    assert "moorage connection use ID` (PUT /apps/zoho-crm/default)" in caught.value.help
    assert owner.get(DEFAULT).json["default"] == {"app": "zoho-crm", "connection_id": None, "chosen": gone}
    assert choose(owner, embedded) == embedded
    assert choose(owner, reach=Reach(frozenset(), frozenset({left}))) == left
    assert choose(owner, reach=Reach(embedded_only=True)) == embedded
    use(owner, left)
    assert choose(owner) == left


def test_a_default_that_failed_is_told_and_no_other_takes_its_place(owner):
    lead(owner, OUTSIDE)
    chosen = lead(owner, OUTSIDE)
    use(owner, chosen)
    fail(owner, chosen)
    with pytest.raises(ConnectionInactive, match=f"{chosen}, the default of zoho-crm, is FAILED"):
        choose(owner)


def test_only_an_active_connection_of_the_app_that_is_ones_own_can_be_chosen(owner, stranger):
    pending, theirs = owner.connect()["id"], lead(stranger, OUTSIDE)
    for wrong, code in (
        (pending, "connection_inactive"),
        (theirs, "connection_unknown"),
        ("x", "connection_unknown"),
    ):
        assert use(owner, wrong).code == code
    mine = lead(owner, OUTSIDE)
    answer = owner.call("PUT", "/apps/stripe/default", {"connection_id": mine})
    assert answer.code == "connection_app_mismatch"
    assert owner.call("PUT", "/apps/none/default", {"connection_id": mine}).status == 404
    assert use(owner, None).code == "body_invalid"
    assert owner.get(DEFAULT).json["default"]["chosen"] is None


@pytest.mark.parametrize(
    ("rights", "code"),
    [
        ({"mode": "test"}, "rights_exceeded"),
        ({"scopes": ["connections:read", "proxy"]}, "scope_missing"),
        ({"scopes": ["connections:write", "proxy:stripe"]}, "scope_missing"),
    ],
)
def test_who_may_not_speak_for_all_callers_of_an_app_chooses_nothing(control, owner, rights, code):
    chosen = lead(owner, EMBEDDED)
    use(owner, chosen)
    key = owner.call("POST", "/keys", {"name": "narrow", **rights}).json["secret"]
    body = b'{"connection_id": "%b"}' % chosen.encode()
    for method, sent in (("PUT", body), ("DELETE", b"")):
        answer = control.call(method, DEFAULT, key=key, body=sent)
        assert (answer.status, answer.code) == (403, code)
    assert owner.get(DEFAULT).json["default"]["chosen"] == chosen


def test_a_choice_is_forgotten_by_the_gateway_at_once(control, owner):
    first = lead(owner, OUTSIDE)
    before = control.changes
    use(owner, first)
    owner.call("DELETE", DEFAULT)
    assert control.changes == before + 2


@pytest.mark.parametrize(
    ("upstream", "environment"), [(EMBEDDED, "embedded"), (OUTSIDE, "live"), (SANDBOX, "sandbox")]
)
def test_a_connection_says_of_what_kind_its_account_is(owner, upstream, environment):
    connection = lead(owner, upstream)
    assert owner.get(f"/connections/{connection}").json["connection"]["environment"] == environment
