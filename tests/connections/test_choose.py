"""Which connection a call acts through."""

import pytest

from moorage.connections.errors import (
    ConnectionAppMismatch,
    ConnectionInactive,
    ConnectionMissing,
    ConnectionUnknown,
)


def choose(caller, connection_id=None, app="zoho-crm"):
    connections = caller.control.rooms.connections
    return caller.control.run(connections.choose(caller.account, app, connection_id)).id


@pytest.fixture
def three(control, owner):
    """PENDING, ACTIVE and ACTIVE, the oldest first; the youngest was connected before the one in the middle."""
    control.organisation("acme")
    made = []
    for _ in range(3):
        made.append(owner.connect())
        control.clock.advance(1)
    for one in (made[2], made[1]):
        control.press(one["url"], "acme")
        control.clock.advance(1)
    return [one["id"] for one in made]


def test_unless_named_it_is_the_oldest_active_one(owner, three):
    assert choose(owner) == three[1]
    owner.call("DELETE", f"/connections/{three[1]}")
    assert choose(owner) == three[2]


def test_one_that_is_named_is_that_one(owner, three):
    assert choose(owner, three[2]) == three[2]
    assert choose(owner, three[2].upper()) == three[2]


def test_one_that_is_not_active_is_refused_with_its_state(owner, three):
    with pytest.raises(ConnectionInactive, match="PENDING") as caught:
        choose(owner, three[0])
    assert f"GET /connections/{three[0]}" in caught.value.help


def test_without_any_it_says_how_to_make_one(owner, stranger, three):
    with pytest.raises(ConnectionMissing) as caught:
        choose(stranger)
    assert "POST /connections" in caught.value.help
    with pytest.raises(ConnectionMissing):
        choose(owner, app="another-app")


def test_one_of_another_app_is_refused_and_names_both(owner, three):
    with pytest.raises(ConnectionAppMismatch, match=r"zoho-crm.*another-app"):
        choose(owner, three[1], app="another-app")


def test_a_strangers_is_as_unknown_as_one_that_never_was(owner, stranger, three):
    told = []
    for named in (three[1], "e55c5bac-241a-4cc8-9db5-50d2cad09136", "", "x", three[1].replace("-", "")):
        with pytest.raises(ConnectionUnknown) as caught:
            choose(stranger, named)
        told.append((caught.value.message.replace(repr(named), "?"), caught.value.help))
    assert len(set(told)) == 1
