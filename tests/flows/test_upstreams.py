"""What a whole server asks of the app behind it: a certificate that holds, and an answer in time."""

import json
import socket

import pytest

from tests.flows.conftest import connect_example, provider
from tests.gateway.conftest import certificate  # noqa: F401 (a fixture)
from tests.gateway.wire import OK, Scripted

SWITCHES = {
    "PYTHONHTTPSVERIFY": "0",
    "MOORAGE_TLS_VERIFY": "false",
    "MOORAGE_INSECURE": "1",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    "CURL_CA_BUNDLE": "",
    "REQUESTS_CA_BUNDLE": "",
    "SSL_CERT_FILE": "/nowhere",
    "SSL_CERT_DIR": "/nowhere",
}


@pytest.fixture
def behind_tls(certificate):  # noqa: F811 (the fixture)
    """An app whose certificate an authority of its own made, for `localhost` alone."""
    context, _, file = certificate
    app = Scripted(OK, tls=context)
    app.file = file
    yield app
    app.stop()


@pytest.fixture
def serve(tmp_path, own_server):
    """Starts a server whose example app is at an address."""

    def serve(base_url, **environ):
        folder = tmp_path / "home" / "providers"
        folder.mkdir(parents=True)
        folder.parent.chmod(0o700)
        (folder / "example.toml").write_text(provider(0).replace("http://127.0.0.1:0/base", base_url))
        server = own_server(**environ)
        connect_example(server.home, base_url)
        return server

    return serve


def error_of(server):
    status, headers, body = server.call("POST", "/example/a", {"a": 1})
    return status, json.loads(body)["error"]["code"], headers["moorage-request-sent"]


def test_a_certificate_of_no_authority_that_is_trusted_gets_nothing(serve, behind_tls):
    server = serve(f"https://localhost:{behind_tls.port}")
    assert error_of(server) == (502, "upstream_unreachable", "false") and behind_tls.requests == []


def test_nothing_in_the_environment_makes_it_trusted(serve, behind_tls):
    server = serve(f"https://localhost:{behind_tls.port}", **SWITCHES)
    assert error_of(server) == (502, "upstream_unreachable", "false") and behind_tls.requests == []


def test_an_authority_that_the_machine_trusts_is_taken_for_the_names_it_vouches_for(serve, behind_tls):
    server = serve(f"https://localhost:{behind_tls.port}", SSL_CERT_FILE=str(behind_tls.file))
    assert server.call("POST", "/example/a", {"a": 1})[::2] == (200, b"ok")


def test_and_for_no_other_name(serve, behind_tls):
    server = serve(f"https://127.0.0.1:{behind_tls.port}", SSL_CERT_FILE=str(behind_tls.file))
    assert error_of(server) == (502, "upstream_unreachable", "false") and behind_tls.requests == []


def test_an_app_that_takes_too_long_is_given_up_after_the_time_that_was_set(serve):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = serve(f"http://127.0.0.1:{listener.getsockname()[1]}", MOORAGE_UPSTREAM_TIMEOUT="0.5")
        # Without the setting it would be a minute, which this caller doesn't wait.
        assert error_of(server) == (504, "upstream_timeout", "true")
