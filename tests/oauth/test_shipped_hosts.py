"""Where the shipped apps lead: to names on the internet, through TLS. Anything else takes an operator's file."""

import ipaddress
from urllib.parse import urlsplit

import msgspec
import pytest

from moorage.oauth.apps.providers import Providers


def addresses(provider):
    for centre in provider.data_centres.values():
        found = msgspec.structs.asdict(centre)
        yield from (
            value for key, value in found.items() if key not in {"title", "environment"} and value is not None
        )


@pytest.mark.parametrize("name", sorted(Providers().names))
def test_every_address_of_a_shipped_app_is_a_public_name_behind_tls(name):
    found = [urlsplit(url) for url in addresses(Providers().get(name))]
    assert found and {parts.scheme for parts in found} == {"https"}
    for host in {parts.hostname for parts in found}:
        assert "." in host and not host.endswith((".local", ".internal", ".localhost", ".test", ".invalid"))
        with pytest.raises(ValueError, match="does not appear to be"):
            ipaddress.ip_address(host)
