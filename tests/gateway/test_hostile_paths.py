"""No spelling of a path leads to another host or above the app's base path: it arrives as sent, or is refused."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.wire import AUTHORIZED, OK, Client, Scripted, World

SEPARATORS = ["/", "//", "\\", "%2f", "%2F", "%5c", "%252f"]
UPS = ["..", ".%2e", "%2e.", "%2E%2e", "%252e%252e", "%25252e.", "..;", "..;x=y", "..%3b", "%2e%2e;x"]
# Where another server's name could be hidden in a path.
AUTHORITIES = [
    "@127.0.0.1:{port}/a",
    "/@127.0.0.1:{port}/a",
    "//127.0.0.1:{port}/a",
    "///127.0.0.1:{port}/a",
    "/\\127.0.0.1:{port}/a",
    "\\\\127.0.0.1:{port}/a",
    ":{port}/a",
    ":@127.0.0.1:{port}/a",
    "%40127.0.0.1:{port}/a",
    "%2f%2f127.0.0.1:{port}/a",
    "/%2f127.0.0.1:{port}/a",
    "/%2f%2f127.0.0.1:{port}/a",
    "/.//127.0.0.1:{port}/a",
    "/http://127.0.0.1:{port}/a",
    "/http:%2f%2f127.0.0.1:{port}/a",
    "?//127.0.0.1:{port}/a",
    "/a?url=http://127.0.0.1:{port}/a",
    "/a%0d%0aHost:%20127.0.0.1:{port}%0d%0a",
    "/a%00@127.0.0.1:{port}/a",
    "/a;@127.0.0.1:{port}/a",
    "#@127.0.0.1:{port}/a",
]
BEFORE_THE_APP = [
    "http://127.0.0.1:{port}/zoho-crm/a",
    "http://gateway.test/zoho-crm/a",
    "//127.0.0.1:{port}/zoho-crm/a",
    "/\\127.0.0.1:{port}/zoho-crm/a",
    "//zoho-crm/a",
    "/./zoho-crm/a",
    "/x/../zoho-crm/a",
    "/connections/../zoho-crm/a",
    "/connections/%2e%2e/zoho-crm/a",
    "/%7aoho-crm/a",
    "/zoho-crm%2fa",
    "/zoho-crm;/a",
    "/zoho-crm\\a",
    "/Zoho-CRM/a",
    "/zoho-crm@127.0.0.1:{port}/a",
]


@pytest.fixture(scope="module")
def world():
    """A gateway whose app is at /base of one server; `elsewhere` is where no call may ever go."""
    world, app, elsewhere = World(), Scripted(OK), Scripted(OK)
    world.remote(app.port, path="/base")
    world.start()
    world.app, world.elsewhere = app, elsewhere
    yield world
    world.stop()
    app.stop()
    elsewhere.stop()


def answer_and_line(world, target):
    """The answer to a GET of a target, and the first line that the app got of it, if it got any."""
    before = len(world.app.requests)
    with Client(world.port) as client:
        client.send(b"GET %b HTTP/1.1\r\n%b\r\n" % (target.encode("latin-1"), AUTHORIZED.encode()))
        answer = client.answer()
    assert world.elsewhere.accepted == 0
    got = world.app.requests[before:]
    for request in got:
        head = request.partition(b"\r\n\r\n")[0]
        hosts = [line for line in head.split(b"\r\n") if line.lower().startswith(b"host:")]
        assert hosts == [b"Host: 127.0.0.1:%d" % world.app.port]
    return answer, [request.split(b"\r\n")[0] for request in got]


def climbs():
    for up, before, after in itertools.product(UPS, SEPARATORS, [*SEPARATORS, ""]):
        yield f"/zoho-crm/a{before}{up}{after}b" if after else f"/zoho-crm/a{before}{up}"


@pytest.mark.parametrize("up", UPS)
def test_no_segment_that_climbs_is_passed_on(world, up):
    for target in [path for path in climbs() if up in path]:
        answer, lines = answer_and_line(world, target)
        assert (answer.status, lines) == (400, []), target
        assert json.loads(answer.body)["error"]["code"] == "path_invalid"


@pytest.mark.parametrize("text", AUTHORITIES)
def test_an_authority_within_a_path_is_a_part_of_the_path(world, text):
    native = text.format(port=world.elsewhere.port)
    answer, lines = answer_and_line(world, f"/zoho-crm{native}")
    assert lines == ([f"GET /base{native} HTTP/1.1".encode()] if answer.body == b"ok" else [])


@pytest.mark.parametrize("text", BEFORE_THE_APP)
def test_only_a_path_that_begins_with_the_app_as_it_is_written_reaches_it(world, text):
    answer, lines = answer_and_line(world, text.format(port=world.elsewhere.port))
    assert lines == [] and answer.body != b"ok"


@pytest.mark.parametrize(
    "native",
    ["/a%2fb%2Fc", "/a%3fb", "/a%23b", "/a;b=c,d", "/%41", "/a%20b+c", "/%c3%a9", "/a%zz", "/a//b", "/a/./b",
     "/a..b/..c/d..", "/...", "/a?b=/../c&d=%2e%2e/&e=\\", "/%2525"],
)  # fmt: skip
def test_what_does_not_climb_arrives_byte_for_byte(world, native):
    answer, lines = answer_and_line(world, f"/zoho-crm{native}")
    assert (answer.status, lines) == (200, [f"GET /base{native} HTTP/1.1".encode()])


PIECES = [
    "/", "//", "\\", "..", ".", "%2e", "%2f", "%5c", "%25", "2e", "2f", "5c", "3b", ";", "@", ":", "?", "a",
    "zoho-crm", "%0d%0a", "%00",
]  # fmt: skip


@given(native=st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_path_is_refused_or_arrives_below_the_base_path(world, native):
    target = f"/zoho-crm/{native}"
    answer, lines = answer_and_line(world, target)
    if answer.status == 200:
        assert lines == [f"GET /base/{native} HTTP/1.1".encode()]
        assert stays_below(native.partition("?")[0])
    else:
        assert answer.status == 400 and lines == []


def stays_below(path):
    """Whether a server that decodes as often as it can, and takes a backslash for a slash, never climbs."""
    for _ in range(12):
        for code, character in (("25", "%"), ("2e", "."), ("2f", "/"), ("5c", "/"), ("3b", ";")):
            path = path.replace(f"%{code}", character)
    return ".." not in [segment.partition(";")[0] for segment in path.replace("\\", "/").split("/")]
