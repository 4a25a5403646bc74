"""Where the shipped apps lead: to names on the internet, through TLS. Anything else takes an operator's file."""

import ipaddress
from urllib.parse import urlsplit

import msgspec
import pytest

from moorage.oauth.apps.providers import Providers


def addresses(provider):
    for centre in provider.data_centres.values():
        members = msgspec.structs.asdict(centre)
        yield from (
            value
            for key, value in members.items()
            if key not in {"title", "environment"} and value is not None
        )


@pytest.mark.parametrize("name", sorted(Providers().names))
def test_every_address_of_a_shipped_app_is_a_public_name_behind_tls(name):
    urls = [urlsplit(url) for url in addresses(Providers().get(name))]
    assert urls and {parts.scheme for parts in urls} == {"https"}
    for host in {parts.hostname for parts in urls}:
        assert "." in host and not host.endswith((".local", ".internal", ".localhost", ".test", ".invalid"))
        with pytest.raises(ValueError, match="does not appear to be"):
            ipaddress.ip_address(host)
