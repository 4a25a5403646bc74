"""`GET /limits/tokens`: what each connection has used of its app's limits for tokens."""

from msgspec.structs import replace

from moorage.connections.model import Upstream
from moorage.oauth.tokens.renewal import BUDGET, WINDOW
from tests.oauth.conftest import HOUR, access


def limits(control, connection):
    outside = replace(connection, upstream=Upstream("remote", "https://www.zohoapis.eu", data_centre="eu"))
    [document] = control.run(control.rooms.token_limits.documents([outside]))
    return {name: document[name] for name in ("made", "live", "next_possible_at")}


def test_tokens_are_counted_while_they_live_and_the_next_is_foretold(control, connected, refreshing):
    assert limits(control, connected) == {"made": 0, "live": 0, "next_possible_at": None}
    token = "none"
    for _ in range(BUDGET):
        token = access(control, connected, instead_of=token).value
    found = limits(control, connected)
    assert found["made"] == found["live"] == len(refreshing.asked)
    control.clock.advance(WINDOW)
    assert limits(control, connected)["made"] == 0
    assert limits(control, connected)["live"] == len(refreshing.asked)
    access(control, connected, instead_of=token)  # A new one makes nobody forget those that live.
    assert limits(control, connected)["live"] == len(refreshing.asked) == found["live"] + 1
    control.clock.advance(HOUR)
    assert limits(control, connected) == {"made": 0, "live": 0, "next_possible_at": None}


def test_nobody_limits_the_tokens_of_the_embedded_crm(control, owner, stranger, connected):
    assert owner.get("/limits/tokens").json == {"connections": []}
    assert stranger.get("/limits/tokens").json == {"connections": []}
    assert control.run(control.rooms.token_limits.documents([replace(connected, app="gone")])) == []
