"""Which requests are answered beside ASGI that no app is meant by."""

import pytest

from moorage.http.message import Response
from tests.gateway.wire import Client, World


@pytest.fixture
def caller(start):
    with Client(start(World(probes={b"/readyz": lambda _: Response(200, b"at once")})).port) as caller:
        yield caller


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/readyz", b"at once"),
        ("HEAD", "/readyz", b""),
        ("GET", "/readyz?x", b"asgi /readyz"),
        ("GET", "/readyz/", b"asgi /readyz/"),
        ("POST", "/readyz", b"asgi /readyz"),
        ("GET", "/else", b"asgi /else"),
    ],
)
def test_a_probe_is_answered_at_once_and_all_else_by_asgi(caller, method, path, answer):
    answered = caller.get(path, method=method)
    assert answered.body == answer and ("x-path" in answered.names) == answer.startswith(b"asgi")
