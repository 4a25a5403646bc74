"""What callers are told of an app that can't be reached: the reason in plain words, and no address besides its host."""

import errno
import socket
import ssl

import pytest

from moorage.gateway.errors import plainly

REFUSED = (
    "Multiple exceptions: [Errno 111] Connect call failed ('10.0.0.7', 1), [Errno 111] the same ('::1', 1)"
)
MIXED = "Multiple exceptions: [Errno 111] Connect call failed ('10.0.0.7', 1), [Errno 101] no route"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(-2, "Name or service not known"), "as its name is not found"),
        (UnicodeError("label too long"), "as its name is not found"),
        (ConnectionRefusedError(111, "Connect call failed ('10.0.0.7', 1)"), "as it refused the connection"),
        (OSError(REFUSED.replace("111", str(errno.ECONNREFUSED))), "as it refused the connection"),
        (ConnectionResetError(), "as it broke the connection off"),
        (ssl.SSLCertVerificationError(1, "for 10.0.0.7"), "as its certificate is not trusted"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "as it does not speak TLS as it should"),
        (OSError(errno.ENETUNREACH, "('10.0.0.7', 1)"), "as no way leads there from here"),
        (OSError(MIXED), "for a reason that is in the log"),
        (OSError(errno.EMFILE, "Too many open files: /home/x"), "for a reason that is in the log"),
    ],
)
def test_the_reason_is_told_in_plain_words_and_names_nothing_inside(error, told):
    assert plainly(error) == told
