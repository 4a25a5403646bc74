"""An accounts server that names another data centre moves the connection there, and nowhere else."""

import pytest

from moorage.connections.model import Upstream
from moorage.gateway.resolve import Resolver
from moorage.gateway.target import RouteKey
from moorage.keys.limits import RateLimiter
from moorage.oauth.apps.providers import SHIPPED, Providers
from moorage.oauth.errors import TokenFailed
from tests.oauth.conftest import HOUR, access, read_again, remote


def resolver(control):
    rooms = control.rooms
    return Resolver(
        keys=rooms.keys,
        connections=rooms.connections,
        tokens=rooms.tokens,
        guards=rooms.policies,
        header=rooms.providers.header,
        environment=rooms.providers.environment,
        limiter=RateLimiter(None, control.clock),
        clock=control.clock,
    )


def ask(control, resolving, owner):
    return control.run(resolving.resolve(RouteKey(b"zoho-crm", f"Bearer {owner.key}".encode(), None)))


@pytest.mark.parametrize("api_domain", ["https://www.zohoapis.eu", "https://zohoapis.eu"])
def test_the_next_call_goes_there(control, owner, refreshing, api_domain):
    """R9."""
    connection = remote(control, owner)
    resolving = resolver(control)
    assert ask(control, resolving, owner).origin.host == "www.zohoapis.com"
    control.clock.advance(HOUR)
    refreshing.api_domain = api_domain
    target = ask(control, resolving, owner)
    assert (target.origin.host, target.token) == ("www.zohoapis.eu", "new-1")
    now = read_again(control, connection)
    assert (now.upstream.base_url, now.upstream.data_centre) == ("https://www.zohoapis.eu", "eu")
    assert now.metadata == {"user": "somebody", "data_centre": "eu"} and now.status == "ACTIVE"


def test_a_call_that_was_refused_is_sent_again_there(control, owner, refreshing):
    """R9, R6."""
    remote(control, owner)
    resolving = resolver(control)
    target = ask(control, resolving, owner)
    refreshing.api_domain = "https://www.zohoapis.in"
    again = control.run(_awaited(resolving.refused(target)))
    assert (again.origin.host, again.token) == ("www.zohoapis.in", "new-1")


def test_a_call_that_was_refused_is_sent_again_there_when_another_process_has_renewed(
    control, owner, refreshing
):
    """R9."""
    connection = remote(control, owner)
    resolving = resolver(control)
    target = ask(control, resolving, owner)
    refreshing.api_domain = "https://www.zohoapis.in"
    access(control, connection, instead_of=target.token)  # Without the resolver's knowledge.
    again = control.run(_awaited(resolving.refused(target)))
    assert (again.origin.host, again.token) == ("www.zohoapis.in", "new-1") and len(refreshing.asked) == 1


async def _awaited(work):
    return await work


@pytest.mark.parametrize(
    "api_domain",
    [
        "https://evil.test",
        "https://www.zohoapis.com.evil.test",
        "https://www.zohoapis.com@evil.test",
        "https://sandbox.zohoapis.eu",
        "http://[",
        "www.zohoapis",
        "",
        None,
    ],
)
def test_nobody_else_is_believed(control, owner, refreshing, api_domain):
    connection = remote(control, owner)
    control.clock.advance(HOUR)
    refreshing.api_domain = api_domain
    assert access(control, connection).value == "new-1"
    assert read_again(control, connection).upstream == connection.upstream


def test_a_plain_host_is_reached_as_the_app_says_it_is(control, owner, refreshing):
    connection = remote(control, owner)
    control.clock.advance(HOUR)
    refreshing.api_domain = "http://www.zohoapis.jp:8080/elsewhere"
    access(control, connection)
    assert read_again(control, connection).upstream.base_url == "https://www.zohoapis.jp"


def test_a_sandbox_does_not_become_production(control, owner, refreshing):
    connection = remote(control, owner, "https://sandbox.zohoapis.com")
    control.clock.advance(HOUR)
    refreshing.api_domain = "https://www.zohoapis.com"
    access(control, connection)
    assert read_again(control, connection).upstream == connection.upstream


def test_of_several_data_centres_on_one_host_the_whole_address_tells_which(tmp_path):
    text = (SHIPPED / "zoho-crm.toml").read_text()
    for host in ("zohoapis.com", "zohoapis.eu"):
        text = text.replace(f'https://www.{host}"', f'https://api.example.test/{host}"')
    (tmp_path / "zoho-crm.toml").write_text(text)
    providers = Providers(tmp_path)
    us, eu = (
        Upstream("remote", base_url=centre.api, data_centre=key)
        for key, centre in list(providers.get("zoho-crm").data_centres.items())[:2]
    )
    for upstream, other in ((us, eu), (eu, us)):
        assert providers.moved("zoho-crm", upstream, upstream.base_url) == upstream
        assert providers.moved("zoho-crm", upstream, f"{other.base_url}/") == other
        assert providers.moved("zoho-crm", upstream, "https://api.example.test") == upstream
        assert providers.moved("zoho-crm", upstream, "https://www.zohoapis.in").data_centre == "in"


def test_the_embedded_crm_stays_in_process(control, owner, connected, refreshing):
    control.clock.advance(HOUR)
    refreshing.api_domain = "https://www.zohoapis.eu"
    assert ask(control, resolver(control), owner).origin is None
    assert read_again(control, connected).upstream == connected.upstream


def test_a_connection_that_stays_where_it_is_is_not_touched(control, owner, refreshing):
    connection = remote(control, owner)
    control.clock.advance(HOUR)
    refreshing.api_domain = "https://www.zohoapis.com"
    access(control, connection)
    refreshing.fault = TokenFailed("busy")
    assert read_again(control, connection) == connection
