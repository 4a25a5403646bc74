"""Calls to accounts servers and to addresses that callers chose, through a proxy."""

import asyncio
from contextlib import closing

import pytest

from moorage.addresses import PUBLIC, Addresses
from moorage.oauth.transport.contract import HttpCall, Unanswered
from moorage.oauth.transport.remote import RemoteTransport
from moorage.proxies import Proxies
from tests.connect_proxy import ConnectProxy


def send(url, proxy, addresses=None, user=""):
    async def sent():
        opened = RemoteTransport(addresses, proxies=Proxies(f"http://{user}127.0.0.1:{proxy.port}"))
        try:
            return await opened.send(HttpCall("POST", url, {}, b"client_secret=hush"))
        finally:
            await opened.close()

    return asyncio.run(sent())


def refused(*arguments, **options):
    with pytest.raises(Unanswered) as caught:
        send(*arguments, **options)
    assert not caught.value.sent and "hush" not in str(caught.value)
    return str(caught.value)


def test_an_accounts_server_is_reached_by_its_name_and_the_proxy_is_named_if_it_refuses():
    with closing(ConnectProxy(user="bWU6aHVzaA==")) as proxy:
        assert "through" not in refused("https://accounts.test/token", proxy, user="me:hush@")
        assert "refuses to connect to it, with the status 407" in refused(
            "https://accounts.test/token", proxy
        )
    assert proxy.heads[0].startswith("CONNECT accounts.test:443 ") and "hush" not in "".join(proxy.heads)
    assert "Proxy-Authorization: Basic bWU6aHVzaA==" in proxy.heads[0]
    assert f"the proxy 127.0.0.1:{proxy.port} can't be reached" in refused("https://accounts.test/", proxy)


def test_an_address_that_a_caller_chose_is_checked_here_and_is_what_the_proxy_gets(monkeypatch):
    known = {"public.test": "93.184.216.34", "private.test": "10.0.0.7"}

    def getaddrinfo(host, port, **_):
        return [(2, 1, 6, "", (known[host], port))]

    monkeypatch.setattr("moorage.addresses.socket.getaddrinfo", getaddrinfo)
    with closing(ConnectProxy()) as proxy:
        assert "has an address that is not allowed" in refused(
            "https://private.test/", proxy, Addresses({PUBLIC})
        )
        assert "not allowed" in refused("https://10.0.0.7/", proxy, Addresses({PUBLIC}))
        assert proxy.heads == []
        assert "status 403" in refused("https://public.test:8443/a", proxy, Addresses({PUBLIC}))
    assert proxy.heads[0].startswith("CONNECT 93.184.216.34:8443 ")
