"""The error for an app that can't be reached: it has the reason in plain words, and no address but the host."""

import errno
import json
import socket
import ssl
import threading

import pytest

from moorage.gateway.errors import public_reason_of
from moorage.gateway.tls import verifying
from tests.certificate import certify
from tests.gateway.wire import Client, World

REFUSED = (
    "Multiple exceptions: [Errno 111] Connect call failed ('10.0.0.7', 1), [Errno 111] the same ('::1', 1)"
)
MIXED = "Multiple exceptions: [Errno 111] Connect call failed ('10.0.0.7', 1), [Errno 101] no route"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(-2, "Name or service not known"), "because its name is not known"),
        (UnicodeError("label too long"), "because its name is not known"),
        (
            ConnectionRefusedError(111, "Connect call failed ('10.0.0.7', 1)"),
            "because it refused the connection",
        ),
        (OSError(REFUSED.replace("111", str(errno.ECONNREFUSED))), "because it refused the connection"),
        (ConnectionResetError(), "because it broke the connection off"),
        (ssl.SSLCertVerificationError(1, "for 10.0.0.7"), "because its certificate is not trusted"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "because TLS failed"),
        (OSError(errno.ENETUNREACH, "('10.0.0.7', 1)"), "because there is no network route to it"),
        (OSError(MIXED), "for a reason that is in the server's log"),
        (OSError(errno.EMFILE, "Too many open files: /home/x"), "for a reason that is in the server's log"),
    ],
)
def test_the_reason_is_told_in_plain_words_and_names_nothing_inside(error, reason):
    assert public_reason_of(error) == reason


# Of each certificate: the host that it is for, for how many days it still holds, and whether its maker is trusted.
NOT_TRUSTED = {
    "signed by itself alone": ("localhost", 1, False),
    "for another host": ("elsewhere.test", 1, True),
    "expired": ("localhost", -1, True),
    "not begun": ("localhost", 9, True),
}


def answer_over_tls(world, port):
    world.remote(port, scheme="https", host="localhost")
    with Client(world.port) as client:
        return client.get("/zoho-crm/a")


def error_of(answer):
    error = json.loads(answer.body)["error"]
    return answer.status, error["code"], error["message"]


@pytest.mark.parametrize("why", NOT_TRUSTED)
def test_an_app_whose_certificate_does_not_hold_is_told_as_that(start, upstream, tmp_path, why):
    host, days, is_trusted = NOT_TRUSTED[why]
    file, another = tmp_path / "server.pem", tmp_path / "another.pem"
    context, _ = certify(file, host, days)
    certify(another, "localhost")
    behind = upstream(tls=context)
    world = World(tls=verifying(str(file if is_trusted else another)))
    answer = answer_over_tls(start(world), behind.port)
    assert error_of(answer) == (
        502,
        "upstream_unreachable",
        "localhost can't be reached, because its certificate is not trusted.",
    )
    assert answer.names["moorage-request-sent"] == "false" and behind.requests == []


def test_an_app_that_speaks_no_tls_is_told_as_that(start, certificate):
    _, client_context, _ = certificate

    def answer_in_the_clear(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 No TLS Here\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=answer_in_the_clear, args=(listener,))
        answering.start()
        answer = answer_over_tls(start(World(tls=client_context)), listener.getsockname()[1])
        answering.join(5)
    assert error_of(answer)[2] == "localhost can't be reached, because TLS failed."
