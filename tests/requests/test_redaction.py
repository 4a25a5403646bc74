"""What of a body gets into the request log."""

import gzip
import json

import pytest

from moorage.requests.bodies import Bodies, body_of
from moorage.requests.redaction import documents
from moorage.secret_names import HIDDEN

JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"


def shown(data, type_=JSON, *, most=10_000, secrets=(), coding=b""):
    headers = [(b"Content-Type", type_), (b"Content-Encoding", coding)]
    body = body_of(headers, len(data), data[:most])
    return documents(Bodies(body, None, secrets))["request"]


def text_of(document, **options):
    return json.loads(shown(json.dumps(document).encode(), **options)["text"])


@pytest.mark.parametrize(
    "name",
    [
        "password", "Client_Secret", "accessToken", "API-Key", "apikey", "x_api_key", "Authorization", "Set-Cookie",
        "passphrase", "private_key", "credentials",
    ],
)  # fmt: skip
def test_the_value_of_a_secret_is_hidden_whatever_it_is(name):
    for value in ("abc", 1, ["abc"], {"a": "abc"}):
        assert text_of({"data": [{name: value, "Last_Name": "Lee"}]}) == {
            "data": [{name: HIDDEN, "Last_Name": "Lee"}]
        }
    assert shown(f"a=1&{name}=abc".encode(), FORM)["text"] == f"a=1&{name}={HIDDEN}"


def test_a_secret_is_found_where_it_has_no_name_of_its_own():
    assert text_of({"name": "password", "value": "x"}) == {"name": "password", "value": HIDDEN}
    assert text_of({"inner": '{"token": "x", "a": 1}'}) == {"inner": f'{{"token":"{HIDDEN}","a":1}}'}
    assert text_of(["https://h/?a=1&access_token=xyz&b=2"]) == [f"https://h/?a=1&access_token={HIDDEN}&b=2"]
    assert text_of(["Bearer abcdefghijkl"]) == [HIDDEN]
    assert text_of({"echo": "<own-key>"}, secrets=(b"<own-key>",)) == {"echo": HIDDEN}
    assert shown(b"bare-token", FORM)["text"] == HIDDEN


def test_what_is_harmless_stays_as_it_is():
    document = {"data": [{"Last_Name": "Müller", "Amount": 1.5, "Tags": [], "is_token": True, "token": None}]}
    assert text_of(document) == document
    assert shown(b'{"a":1}', FORM)["text"] == '{"a":1}'
    assert shown(b"a=b+c&d=", FORM) == {"type": FORM.decode(), "bytes": 8, "text": "a=b+c&d=", "why": None}


@pytest.mark.parametrize(
    ("data", "options", "why"),
    [
        (gzip.compress(b"{}"), {"coding": b"gzip"}, "compressed"),
        (b"\x89PNG", {"type_": b"image/png"}, "type"),
        (b"secret", {"type_": b"text/plain"}, "type"),
        (b"{", {}, "unreadable"),
        (b"[" * 9000, {}, "unreadable"),
        (b"\xff", {}, "unreadable"),
        (b"1" * 5000, {}, "unreadable"),
        (b"{}", {"most": 0}, "file"),
    ],
    # What gzip makes has the time in it, and all workers have to know a test by the same name.
    ids=["compressed", "picture", "text", "half", "deep", "no UTF-8", "long number", "too long"],
)
def test_what_can_t_be_read_is_left_out(data, options, why):
    assert shown(data, **options) | {"type": ""} == {"type": "", "bytes": len(data), "text": None, "why": why}


def test_a_body_that_is_too_long_ends_behind_its_last_whole_member():
    data = b'{"data":[{"a":"}]","password":"12345678"},{"b":1,"token":"abcdef"}]}'
    assert shown(data, most=len(data) - 8) == {
        "type": "application/json",
        "bytes": len(data),
        "text": f'{{"data":[{{"a":"}}]","password":"{HIDDEN}"}},{{"b":1}}]}}',
        "why": "too_long",
    }
    assert shown(b"a=1&token=abcdef", FORM, most=13)["text"] == "a=1"


def test_no_end_shows_a_secret_or_breaks():
    inner = {"b": [1.5, [], {}, None], '\\"[': "]\\", "é,": "{"}
    data = json.dumps([inner, {"secret": "hushhush", "and": inner}], ensure_ascii=False).encode()
    for most in range(1, len(data)):
        cut = shown(data, most=most)
        assert "hush" not in cut["text"] and isinstance(json.loads(cut["text"]), list), most


def test_any_text_can_be_shown():
    text = shown(b'["\\ud800", "\x7f\xc2\x9b"]')["text"]
    assert json.loads(text.encode()) == ["\ud800", "\x7f\x9b"] and text.isprintable()
