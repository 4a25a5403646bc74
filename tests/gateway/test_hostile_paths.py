"""No spelling of a path leads to another host or above the app's base path: it arrives as sent, or is refused."""

import contextlib
import itertools
import json
import re
import time
import unicodedata
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.gateway.paths import climbs
from moorage.http.errors import PathInvalid
from moorage.http.head import MAX_TARGET
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


def written_climbs():
    for up, before, after in itertools.product(UPS, SEPARATORS, [*SEPARATORS, ""]):
        yield f"/zoho-crm/a{before}{up}{after}b" if after else f"/zoho-crm/a{before}{up}"


@pytest.mark.parametrize("up", UPS)
def test_no_segment_that_climbs_is_passed_on(world, up):
    for target in [path for path in written_climbs() if up in path]:
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
     "/a..b/..c/d..", "/...", "/a?b=/../c&d=%2e%2e/&e=\\", "/%2525",
     "/src%5Cmain.rs/raw", "/DOMAIN%5cUser.Name", "/a%5C%5Cb%5C", "/..%C3%A9", "/a%20..b", "/%20.", "/VOIL%C0.pdf"],
)  # fmt: skip
def test_what_does_not_climb_arrives_byte_for_byte(world, native):
    answer, lines = answer_and_line(world, f"/zoho-crm{native}")
    assert (answer.status, lines) == (200, [f"GET /base{native} HTTP/1.1".encode()])


# What some server or other takes for two dots, or for what stands at an end of a segment.
DOTS = [
    "%c0%ae%c0%ae", ".%c0%ae", "%c0%2e%c0%6e", "%e0%80%ae%e0%80%ae", "%f0%80%80%ae.", "%f8%80%80%80%ae.",
    "%u002e%u002e", "%U002E.", "%u002e%2e", "%uff0e%uff0e", "%ef%bc%8e%ef%bc%8e", "%e2%80%a4.", "%e2%80%a5",
    "%%32e%%32e", "%25%32%65.", "%252e%u00252e", "%25c0%25ae.", ".%09.", ".%0d%0a.", ".%00.", ".%20.", ".%ff.",
    ".%c2%a0.", ".%e2%80%8b.", ".%ef%bb%bf.", "%00.%00.",
]  # fmt: skip
ENDS = [
    "%00", "%00.png", "%20", "%09", "%0a", "%1f", "%7f", "%3f", "%3fx", "%23", "%23x", "%253f", "%3b", "%3bx", "%5c",
    "%c0%af", "%c1%9c", "%c1%1c", "%e0%80%af", "%u2215", "%u005c", "%u2216", "%ef%bc%8f", "%ef%bc%bc", "%c2%a5",
    "%c2%a0", "%e3%80%80", "%ff", "%80",
]  # fmt: skip


@pytest.mark.parametrize("up", DOTS)
def test_nor_one_whose_dots_only_some_servers_see(world, up):
    for target in (
        f"/zoho-crm/a/{up}/b",
        f"/zoho-crm/a/{up}",
        f"/zoho-crm/a%2f{up}%5cb",
        f"/zoho-crm/{up}/{up}/b",
    ):
        assert outcome(world, target) == (400, []), target


@pytest.mark.parametrize("end", ENDS)
def test_nor_one_that_only_some_servers_see_end(world, end):
    for target in (f"/zoho-crm/a/..{end}/b", f"/zoho-crm/a/..{end}", f"/zoho-crm/a%5c%2e%2e{end}%2fb"):
        assert outcome(world, target) == (400, []), target


@pytest.mark.parametrize("before", ["%00", "%20", "%09", "%0d%0a", "%7f", "%c2%a0", "%ff"])
def test_nor_one_that_begins_with_what_some_servers_trim(world, before):
    for target in (f"/zoho-crm/a/{before}../b", f"/zoho-crm/{before}%2e%2e"):
        assert outcome(world, target) == (400, []), target


def test_a_path_that_is_encoded_over_and_over_is_refused(world):
    assert outcome(world, f"/zoho-crm/%{'25' * 20}41") == (400, [])


@pytest.mark.parametrize("many", [
    "%41", "%c0%ae", "\xc0\xae", "%25", "%%32", "%32%35", "%e2%80%8b", "\xcc\x80", "/.", "%20", " ", "%", "%z", "=",
    "aaaaaaaa\xcc\x80", "\xe2\x80\xa5", "\xe2\x80\x8b/", "/%20.", "%2525252525252541", "%2525252541",
    "%u0041", "%u20ac", "%uff0e", "%u00e9", "%u0025", "%u0025%", "%u20aca", "%u200b/", "%25u20ac", "%252525u20ac", "%u",
])  # fmt: skip
def test_no_path_takes_a_stranger_long_to_be_refused(many):
    """It is read before the key is looked at, so it has to cost next to nothing, whatever it is."""
    path = (b"/" + many.encode("latin-1") * MAX_TARGET)[:MAX_TARGET]
    assert min(seconds_of_a_search(path) for _ in range(10)) < 0.005


def seconds_of_a_search(path):
    before = time.thread_time()
    with contextlib.suppress(PathInvalid):
        climbs(path)
    return time.thread_time() - before


def outcome(world, target):
    answer, lines = answer_and_line(world, target)
    return answer.status, lines


PIECES = [
    "/", "//", "\\", "..", ".", "%2e", "%2f", "%5c", "%25", "2e", "2f", "5c", "3b", ";", "@", ":", "?", "a",
    "zoho-crm", "%0d%0a", "%00", "%20", "%09", "%3f", "%23", "%u002e", "%u002f", "%c0%ae", "%c0%af", "%e0%80%ae", "%ff",
    "%", "%32", "%c0", "%ae", "%c2%a0", "%ef%bc%8e",
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


@given(native=st.lists(st.sampled_from(PIECES + DOTS + ENDS), max_size=12).map("".join))
@settings(max_examples=1500, deadline=None)
def test_no_reader_finds_a_segment_that_climbs_in_what_is_let_through(native):
    path = native.partition("?")[0]
    try:
        refused = "\\" in path or climbs(b"/" + path.encode("ascii"))
    except PathInvalid:
        refused = True
    assert refused or stays_below(path), path


@given(
    native=st.text(st.sampled_from("abAB09-_~.,;@:%"), max_size=8).map(lambda text: f"/{text}"),
    name=st.sampled_from(["src%5Cmain.rs", "a%2Fb", "..a", "a..", "%2e", "x%20y", "%E2%82%AC", "v2.1"]),
)
@settings(max_examples=500, deadline=None)
def test_what_no_reader_takes_for_a_climb_is_let_through(native, name):
    path = f"{native}/{name}/x"
    assert climbs(path.encode("ascii")) == (not stays_below(path))


def stays_below(path):
    """Whether none of many kinds of servers finds a segment of two dots, after any number of rounds of decoding."""
    level = path.encode("ascii")
    for _ in range(12):
        for reading in readings(level):
            if any(part(segment) == ".." for part in PARTS for segment in re.split(r"[/\\]", reading)):
                return False
        level = unquote_to_bytes(
            re.sub(
                rb"(?i)%u([0-9a-f]{4})",
                lambda match: chr(int(match[1], 16)).encode("utf-8", "replace"),
                level,
            )
        )
    return True


def readings(level):
    """How servers make text of bytes."""
    yield level.decode("latin-1")
    yield unicodedata.normalize("NFKC", level.decode("utf-8", "ignore"))
    yield (
        level.replace(b"\xc0\xae", b".")
        .replace(b"\xc0\xaf", b"/")
        .replace(b"\xc1\x9c", b"/")
        .decode("latin-1")
    )
    yield level.replace(b"\xe0\x80\xae", b".").decode("latin-1")


PARTS = [
    lambda segment: segment,
    lambda segment: segment.strip(),
    lambda segment: segment.partition(";")[0],
    lambda segment: segment.partition("\0")[0],
    lambda segment: segment.partition("?")[0],
    lambda segment: segment.partition("#")[0].strip(),
    lambda segment: re.sub(r"[\t\r\n\0]", "", segment),
]
