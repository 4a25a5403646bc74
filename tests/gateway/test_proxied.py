"""Apps that are reached through a proxy."""

import base64
import json

import pytest

from moorage.gateway.tls import verifying
from tests.certificate import certify
from tests.connect_proxy import ConnectProxy
from tests.gateway.wire import Client, World

APP = "app.test"  # A name that only the proxy knows.


@pytest.fixture
def proxy():
    """Makes proxies."""
    made = []

    def make(*arguments, **options):
        made.append(ConnectProxy(*arguments, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def through(start):
    """The answers to calls of an app at a port of APP, through a proxy."""

    def through(port, proxy_port, *, user="", tls=None, calls=1):
        world = World(tls=tls)
        world.remote(port, scheme="https" if tls else "http", host=APP)
        start(world)
        world.pool.proxies.use(f"http://{user}127.0.0.1:{proxy_port}", (), {})
        with Client(world.port) as client:
            return [client.get("/zoho-crm/a") for _ in range(calls)]

    return through


def test_a_tunnel_with_tls_is_kept_and_the_proxy_sees_no_token(upstream, proxy, through, tmp_path):
    context, _ = certify(tmp_path / "server.pem", APP)
    behind = upstream(tls=context)
    between = proxy({f"{APP}:{behind.port}": behind.port}, user=base64.b64encode(b"me:p@ss").decode())
    tls = verifying(str(tmp_path / "server.pem"))
    answers = through(behind.port, between.port, user="me:p%40ss@", tls=tls, calls=2)
    assert [answer.status for answer in answers] == [200, 200]
    [head] = between.heads
    assert head.startswith(f"CONNECT {APP}:{behind.port} HTTP/1.1\r\nHost: {APP}:{behind.port}\r\n")
    assert "token" not in head and len(behind.requests) == 2
    assert "Proxy-Authorization" not in repr(behind.requests)


def test_an_app_without_tls_has_a_tunnel_too(upstream, proxy, through):
    behind = upstream()
    between = proxy({f"{APP}:{behind.port}": behind.port})
    assert through(behind.port, between.port)[0].status == 200
    assert between.heads[0].startswith("CONNECT ")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 No\r\n\r\n", "wants a user and a password, or others than it was given (407)"),
        (b"HTTP/1.1 403 No\r\n\r\n", f"refuses to connect to {APP}:443 (403)"),
        (b"HTTP/1.0 503 No\r\n\r\n", f"can't reach {APP}:443 (503)"),
        (b"SSH-2.0-x\r\n\r\n", "sent something that is not an HTTP answer"),
        (b"HTTP/1.1 200 " + b"x" * 20_000, "sent something that is not an HTTP answer"),
        (b"HTTP/1.1 200 Yes\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "sent bytes behind its answer"),
        (None, "closed the connection before it answered"),
    ],
    ids=["user", "refuses", "unreachable", "ssh", "long", "more", "closes"],
)
def test_what_the_proxy_says_is_told_as_its_own(proxy, through, answer, said):
    [got] = through(443, proxy(answer=answer).port)
    error = json.loads(got.body)["error"]
    assert (got.status, error["code"]) == (502, "proxy_failed")
    assert error["message"] == f"The proxy of this server {said}." and "127.0.0.1" not in error["message"]
    assert got.names["moorage-request-sent"] == "false"


def test_a_proxy_that_is_not_there_and_one_that_is_silent(proxy, through):
    """A call waits for a connection just as long as an attempt may take here. It is told of the attempt even so."""
    gone = proxy()
    gone.close()
    [refused] = through(443, gone.port)
    assert "The proxy of this server can't be reached, because it refused" in refused.body.decode()
    [late] = through(443, proxy(answer=b"").port)
    assert (
        late.status == 504 and f"{APP} accepted no connection in time through the proxy" in late.body.decode()
    )


def test_a_certificate_that_does_not_hold_is_told_with_the_proxy_between(upstream, proxy, through, tmp_path):
    context, _ = certify(tmp_path / "server.pem", APP)
    certify(tmp_path / "other.pem", APP)
    behind = upstream(tls=context)
    between = proxy({f"{APP}:{behind.port}": behind.port})
    [answer] = through(behind.port, between.port, tls=verifying(str(tmp_path / "other.pem")))
    assert (
        f"{APP} can't be reached through the proxy of this server, because its certificate"
        in answer.body.decode()
    )


def test_a_proxy_that_a_reload_brings_is_used_and_one_that_it_takes_away_is_not(upstream, proxy, start):
    behind = upstream()
    between = proxy({f"{APP}:{behind.port}": behind.port})
    world = World()
    world.remote(behind.port, host=APP)
    start(world)
    with Client(world.port) as client:
        assert client.get("/zoho-crm/a").status == 502  # Nobody here knows the name.

        def use(setting):
            world.pool.proxies.use(setting, (), {})
            world.pool.use(world.limits)

        world.call(lambda: use(f"http://127.0.0.1:{between.port}"))
        assert client.get("/zoho-crm/a").status == 200
        world.call(lambda: use("off"))
        assert client.get("/zoho-crm/a").status == 502
