"""Where an app has a host for each customer, the token's answer names it: only the maker's own are believed."""

import pytest

from moorage.connections.model import Upstream
from moorage.oauth.apps.destinations import Destination
from moorage.oauth.apps.providers import Providers
from moorage.oauth.errors import TokenRefused
from moorage.oauth.model import Client

LOGIN = "https://login.salesforce.com"


@pytest.fixture
def place():
    salesforce = Providers().get("salesforce")
    return Destination(salesforce, Upstream("remote", LOGIN), LOGIN, LOGIN, LOGIN, Client("id", "secret"))


def test_a_customers_own_host_is_where_calls_go(place):
    moved = place.with_instance({"instance_url": "https://acme.my.salesforce.com/"})
    assert moved.api == moved.upstream.base_url == "https://acme.my.salesforce.com"
    assert moved.tokens == LOGIN


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.my.salesforce.com.evil.example",
        "https://evil.example",
        "https://evilsalesforce.com",
        "https://evil.example/.salesforce.com",
        "https://evil.example#.salesforce.com",
        "https://acme.my.salesforce.com@evil.example",
        "https://evil.example:443/?.salesforce.com",
        "http://acme.my.salesforce.com",
        "ftp://acme.my.salesforce.com",
        "//acme.my.salesforce.com",
        "acme.my.salesforce.com",
        "",
        None,
        ["https://acme.my.salesforce.com"],
    ],
)
def test_no_other_host_gets_a_token_and_no_other_scheme(place, url):
    with pytest.raises(TokenRefused) as refused:
        place.with_instance({"instance_url": url})
    assert refused.value.reason == "instance_unknown"
