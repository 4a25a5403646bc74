"""An app's redirects to itself are answered with the gateway's paths, and all others as they came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.connections.model import Upstream
from moorage.gateway.gateway import Rules
from moorage.gateway.redirects import at_gateway
from moorage.gateway.target import Origin
from tests.gateway.wire import OK, Client, World

ORIGIN = Origin("https", "api.example.com", 443, b"/base")


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("https://api.example.com/base/b?c=d#e", "/zoho-crm/b?c=d#e"),
        ("HTTPS://API.Example.com:443/base/b", "/zoho-crm/b"),
        ("https://api.example.com:/base/b", "/zoho-crm/b"),
        ("//api.example.com/base/b", "/zoho-crm/b"),
        ("/base/b", "/zoho-crm/b"),
        ("/base/b%2Fc%5Cd;x=y//e", "/zoho-crm/b%2Fc%5Cd;x=y//e"),
        ("/base", "/zoho-crm/"),
        ("/base?x=/../y", "/zoho-crm/?x=/../y"),
        ("/base/?x", "/zoho-crm/?x"),
    ],
)
def test_its_own_addresses(location, path):
    assert at_gateway(location.encode(), b"zoho-crm", ORIGIN) == path.encode()
    assert at_gateway(location.encode(), b"zoho-crm", ORIGIN, b"/moorage") == b"/moorage" + path.encode()


@pytest.mark.parametrize(
    "location",
    [
        "b", "./b", "../b", "?x=y", "#f", "",
        "http://api.example.com/base/b", "https://api.example.com:8443/base/b", "https://example.com/base/b",
        "https://api.example.com.evil.test/base/b", "https://evil.test/base/b", "https://me@api.example.com/base/b",
        "https://api.example.com@evil.test/base/b", "https://api.example.com\\@evil.test/base/b",
        "https:/api.example.com/base/b", "https:api.example.com/base/b", "ftp://api.example.com/base/b",
        "https://api.example.com/basement", "https://api.example.com/other", "https://api.example.com", "/other", "/",
        "/base/../other", "/base/%2e%2e/other", "/base/..%2fother", "/base/..\\other", "/base//evil.test/b",
        "https://api.example.com/base//evil.test", "/\\evil.test/base/b", "///api.example.com/base/b",
        "mailto:someone@api.example.com", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_other_addresses(location):
    assert at_gateway(location.encode(), b"zoho-crm", ORIGIN) == location.encode()


@pytest.mark.parametrize(
    ("origin", "location", "path"),
    [
        (Origin("http", "127.0.0.1", 8080), "http://127.0.0.1:8080/b", "/a/b"),
        (Origin("http", "127.0.0.1", 8080), "http://127.0.0.1/b", "http://127.0.0.1/b"),
        (Origin("http", "127.0.0.1", 80), "http://127.0.0.1:80", "/a/"),
        (Origin("http", "::1", 8080), "http://[::1]:8080/b", "/a/b"),
        (Origin("https", "x.test", 443), "/b", "/a/b"),
        (Origin("https", "x.test", 443), "/", "/a/"),
        (Origin("https", "x.test", 443), "/a/b", "/a/a/b"),
    ],
)
def test_any_origin(origin, location, path):
    assert at_gateway(location.encode(), b"a", origin) == path.encode()


PIECES = [
    "/",
    "\\",
    "base",
    "..",
    "%2e",
    "https:",
    "//",
    "api.example.com",
    "evil.test",
    "@",
    "?",
    "#",
    ":",
    "b",
    "\t",
    "\0",
]


@given(location=st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_whatever_it_is_it_passes_or_stays_below_the_app(location):
    given_back = at_gateway(location.encode(), b"zoho-crm", ORIGIN)
    assert given_back == location.encode() or (
        given_back.startswith(b"/zoho-crm/") and not given_back.startswith(b"/zoho-crm//")
    )


@pytest.fixture
def app(start, upstream):
    """Calls an app at /base, whose answer has a status and a Location, and gives back the caller's Location."""

    def call(status, location, *, rules=Rules(), name="Location", method="GET"):  # noqa: B008
        world, behind = World(rules=rules), upstream()
        said = location.replace("{here}", f"127.0.0.1:{behind.port}")
        behind.script = [
            f"HTTP/1.1 {status} X\r\n{name}: {said}\r\nContent-Length: 0\r\n\r\n".encode(), OK,
        ]  # fmt: skip
        world.upstreams["remote"] = Upstream("remote", f"http://127.0.0.1:{behind.port}/base")
        start(world)
        with Client(world.port) as client:
            answer = client.get("/zoho-crm/a", method=method)
            assert answer.status == status
            came = answer.names[name.lower()] == said
            return "as it came" if came else answer.names[name.lower()]

    return call


@pytest.mark.parametrize("status", [201, 202, 300, 301, 302, 303, 307, 308])
def test_where_a_caller_goes_on(app, status):
    assert app(status, "http://{here}/base/b?c") == "/zoho-crm/b?c"
    assert app(status, "/base/b", method="HEAD", name="location") == "/zoho-crm/b"


def test_a_location_of_another_meaning_and_other_headers_pass_as_they_come(app):
    for status in (200, 404, 503):
        assert app(status, "http://{here}/base/b") == "as it came"
    for name in ("Content-Location", "Refresh", "Link"):
        assert app(302, "http://{here}/base/b", name=name) == "as it came"


def test_an_app_may_say_that_its_redirects_pass_as_they_come(app):
    assert app(302, "http://{here}/base/b", rules=Rules(rewrites_redirects=False)) == "as it came"


def test_the_path_that_is_given_leads_to_where_the_app_meant(relayed):
    world = World()
    client = relayed(b"HTTP/1.1 302 X\r\nLocation: /b?c\r\nContent-Length: 0\r\n\r\n", OK, world=world)
    location = client.get("/zoho-crm/a").names["location"]
    assert client.get(location).body == b"ok"
    assert client.upstream.requests[-1].startswith(b"GET /b?c HTTP/1.1\r\n")
