import socket

import pytest

from moorage.serve.errors import AddressUnavailable
from moorage.serve.listen import bind, local_url


def listen(host="127.0.0.1", port=0):
    return bind(host, port, option="--port", setting="MOORAGE_PORT")


def test_port_0_is_any_free_port():
    with listen() as first, listen() as other:
        assert local_url(first) != local_url(other)


def test_a_taken_port_names_what_to_change():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressUnavailable, match=f"Port {port} of 127") as caught:
            listen(port=port)
    assert "--port or MOORAGE_PORT" in caught.value.help


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid"])
def test_a_host_that_is_not_here_is_refused(host):
    with pytest.raises(AddressUnavailable) as caught:
        listen(host)
    assert "--host" in caught.value.help


def test_every_address_is_reached_by_loopback():
    with listen("0.0.0.0") as listener:
        assert local_url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_ipv6_addresses_stand_in_brackets():
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        listener = listen("::1")
    except AddressUnavailable:
        pytest.skip("no IPv6 here")
    with listener:
        assert local_url(listener).startswith("http://[::1]:")
