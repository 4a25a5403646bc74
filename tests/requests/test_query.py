"""The language in which calls are asked for."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.requests import Caller, service
from moorage.requests.fields import FIELDS, filter_of
from moorage.requests.model import Call, Names
from moorage.requests.notes import Operation
from moorage.requests.query import TEXT, QueryInvalid, Term, Value, parse
from tests.calls import block_of, noted

NOW = 1_800_000_000_000_000
HOUR = 3600 * 1_000_000
KEY, CONNECTION = "key_b16c0d2f-fddb", "a10843c5-52b0-44cc-9783-5a8fbb831a4f"
NAMES = Names({KEY: "ci", "key_other": "app"}, {CONNECTION: "sales-eu"})


def call(*, at=NOW - 60_000_000, **members):
    note = noted("a", **{"key": KEY, "connection": CONNECTION, "request_id": "rq-1"} | members)
    note.operation = Operation("GET /crm/v8/{module}", "read", ("Leads",))
    note.native = note.native.replace(b"#", b"")
    return Call(1, at - int(note.began * 1_000_000), note)


def fits(query, **members):
    return filter_of(query, NAMES, NOW).accepts(call(**members))


@pytest.mark.parametrize(
    "query",
    [
        "", "status:200", "status:>=200", "status:<201", "status:200..299", "status:404,200",
        "-status:>=400", "module:Leads", "module:leads", "module:Le*", 'module:"Leads"', "key:ci",
        f"key:{KEY}", "key:c*", "caller:key", "-caller:person",
        "connection:sales-eu", f"connection:{CONNECTION}", "app:zoho-crm",
        "environment:embedded", "method:get", "class:read", "-class:write,destructive",
        "path:/crm/v8/*", "path:/crm/v8/Leads", "id:rq-1", "sent:true", "source:upstream", "since:1h",
        "-since:10s", "until:2030-01-01", "since:2026-11-30T03:36:20Z", "duration:>=4", "duration:<=6",
        "bytes_out:9", "bytes_in:0", "operation:GET*", "leads", '"v8/Leads"',
        "status:200 module:Leads key:ci", "rq-1",
    ],
)  # fmt: skip
def test_a_call_that_fits(query):
    assert fits(query)


@pytest.mark.parametrize(
    "query",
    [
        "status:404", "status:>200", "-status:200", "module:Contacts", 'module:"Le*"', "key:app",
        "-key:ci", "caller:person", "app:github", "environment:live", "class:write", "path:/crm/v8", "path:/CRM/*",
        "id:rq-2", "sent:false", "source:gateway", "error:*", "since:30s", "-since:1h", "until:1h",
        "duration:>6", "contacts", "-leads", "status:200 module:Contacts", "verdict:ask", "rule:x",
    ],
)  # fmt: skip
def test_a_call_that_does_not(query):
    assert not fits(query)


def test_what_is_missing_fits_nothing_and_can_be_asked_for():
    bare = call(status=0, environment=None)
    bare.note.operation, bare.note.caller = None, Caller("a", KEY, "zoho-crm")
    accepts = lambda query: filter_of(query, NAMES, NOW).accepts(bare)  # noqa: E731
    assert accepts("-class:*") and accepts("-connection:sales-eu") and accepts("status:0")
    assert not any(map(accepts, ("class:*", "module:*", "operation:*", "environment:*")))


@pytest.mark.parametrize(
    ("query", "at", "words"),
    [
        ("stat:200", 1, ["'stat'", "Did you mean status?"]),
        ("module:Leads status:abc", 14 + 7, ["'abc'", "status:>=400"]),
        ("status:", 8, ["a value of status", "status:404"]),
        ("status:200,", 12, ["a value of status"]),
        ('"open', 1, ["quotes"]),
        ('module:"a"b', 11, ["space"]),
        ("class:wrote", 7, ["'wrote'", "Did you mean write?"]),
        ("key:cii", 5, ["'cii'", "Did you mean ci?"]),
        ("connection:sales-us", 12, ["'sales-us'", "sales-eu"]),
        ("since:yesterday", 7, ["'yesterday'", "1h"]),
        ("until:9999999999-01-01", 7, ["is not a time"]),
        ("-", 2, ["a text is missing"]),
        ("a" * 1001, 1001, ["too long"]),
        ("a " * 31, 61, ["too many terms"]),
    ],
)
def test_a_mistake_has_its_place_and_what_would_be_right(query, at, words):
    with pytest.raises(QueryInvalid) as caught:
        filter_of(query, NAMES, NOW)
    told = f"{caught.value.message} {caught.value.help}"
    assert told.startswith(f"At character {at} of the query: ")
    assert [word for word in words if word not in told] == []


values = st.builds(
    Value, st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.just(True)
) | st.builds(
    Value, st.from_regex(re.compile(r"[A-Za-z0-9*/._@<>=][A-Za-z0-9*/._@<>=-]{0,8}"), fullmatch=True)
)
terms = st.builds(
    Term, st.sampled_from([TEXT, *FIELDS]), st.lists(values, min_size=1, max_size=3), st.booleans()
)


@settings(max_examples=20)
@given(st.lists(terms, max_size=5))
def test_what_is_written_is_read_as_it_was_meant(written):
    read = parse(" ".join(map(str, written)), FIELDS)
    plain = [(t.field, [(v.text, v.literal) for v in t.values], t.negated) for t in read]
    assert plain == [(t.field, [(v.text, v.literal) for v in t.values], t.negated) for t in written]


@settings(max_examples=50)
@given(
    st.text(st.sampled_from('ab:,-"\\*<>=.1 ') | st.characters(), max_size=40)
    | st.sampled_from(FIELDS).map(lambda f: f + ":*")
)
def test_any_text_is_a_query_or_a_mistake_in_it(text):
    try:
        told = str(filter_of(text, NAMES, NOW).accepts(call()))
    except QueryInvalid as error:
        told = f"{error.message} {error.help}"
    assert told in {"True", "False"} or re.match(r"At character \d+ of the query: .+\. .+\.", told, re.DOTALL)


@settings(max_examples=50)
@given(
    st.lists(
        st.sampled_from(
            [
                "id:rq-1",
                "path:/crm/v8/*",
                "path:/crm/*/Leads",
                "-id:rq-1",
                "-id:rq-2",
                "id:rq-2",
                "path:/x",
                "status:>=400",
                "status:200,404",
                "status:204",
                "status:<128",
                "-status:500",
                "module:leads",
                "module:Deals",
                "operation:get*",
                "leads",
                "error:caller_gone",
                "LEADS",
                "-leads",
                "status:0",
                "status:101",
            ]
        ),
        max_size=3,
    ),
    st.sampled_from([0, 101, 200, 204, 205, 255, 256, 404, 500, 599]),
    st.sampled_from([None, "caller_gone"]),
)
def test_no_block_with_a_call_that_fits_is_passed_over(queries, status, error):
    wanted, it = filter_of(" ".join(queries), NAMES, NOW), call(status=status, error=error)
    if wanted.accepts(it):
        assert service.may_contain(block_of(it.note).content, wanted)


def test_many_wildcards_take_no_longer_than_few():
    assert not fits(f"path:{'*a' * 100}*b", path="/" + "a" * 400)
    assert fits(f"path:{'*a' * 100}*", path="/" + "a" * 400)


def test_what_a_call_must_not_contain_is_searched_in_no_block():
    assert filter_of("-id:rq-2 -path:/x id:a,b", NAMES, NOW).words == []
    assert filter_of("id:rq-1 path:/crm/*", NAMES, NOW).words == [b"rq-1", b"/crm/"]


def test_a_block_without_a_call_that_fits_is_passed_over():
    block = block_of(call(status=200, bytes_out=500).note).content
    for query in (
        "module:Deals",
        "id:rq-2",
        "path:/contacts",
        "contacts",
        "error:gone",
    ):
        assert not service.may_contain(block, filter_of(query, NAMES, NOW)), query
