"""Forms and queries of strangers: read as browsers and other clients write them, and bounded."""

from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.http.errors import BodyTooLarge
from moorage.http.forms import MAX_FIELDS, MAX_FORM, MAX_PARTS, body_pairs, fields, is_form, pairs
from moorage.http.percent import percent_decoded

MULTIPART = "multipart/form-data; boundary=b"


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=20))
def test_what_is_encoded_is_read_again(given_pairs):
    assert pairs(urlencode(given_pairs).encode("utf-8", "surrogatepass")) == [
        (name, value) for name, value in given_pairs
    ]


@given(st.binary() | st.text("%=4aAfFgZ\r\n\t_. é\0").map(str.encode))
def test_percent_encoding_is_taken_away_as_the_standard_library_does(text):
    assert percent_decoded(text) == unquote_to_bytes(text)


@given(st.text("=&+ aé4%").map(lambda text: text.replace("%", "%4A")))
def test_and_as_the_standard_library_would(text):
    expected = [pair for pair in parse_qsl(text, keep_blank_values=True) if pair[0]]
    assert pairs(text.encode()) == expected


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"", {}),
        (b"&&=x&", {}),
        (b"a", {"a": ""}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=\xff%C3", {"a": "\ufffd\ufffd"}),
        (b"a=100%+sure", {"a": "100% sure"}),  # Not encoded soundly, so it is taken as it is.
        (b"a=%4", {"a": "%4"}),
        (b"a=%3D%25+%2b%0D%0A_=", {"a": "=% +\r\n_="}),
    ],
)
def test_odd_ones(encoded, expected):
    assert fields(encoded) == expected


@pytest.mark.parametrize("most", [b"&" * (MAX_FIELDS - 1), b"a" * MAX_FORM])
def test_a_form_has_a_largest_size_and_number_of_fields(most):
    pairs(most)
    with pytest.raises(BodyTooLarge):
        pairs(most + b"&")


def part(name, value, more=""):
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (part("a", "1") + part("é", "é\r\n"), [("a", "1"), ("é", "é\r\n")]),
        ("before" + "\r\n" + part("a", "1") + "--b--\r\n" + part("b", "after"), [("a", "1")]),
        (part("a", "1", '; filename="name=x"'), [("a", "1")]),
        ('--b\r\nX: y\r\ncontent-disposition: FORM-DATA; filename="q"; name=a\r\n\r\n\r\n--b--', [("a", "")]),
        ("--b\r\nContent-Type: text/plain\r\n\r\nno name\r\n--b--", []),
        ("--b\r\nno end of its head", []),
        ("--b\r\nContent-Disposition: attachment; name=a\r\n\r\nv\r\n--b--", []),
        (part("a" * 1100, "1") + part("a", "2"), [("a", "2")]),
        ("", []),
    ],
)
def test_multipart_forms(body, expected):
    whole = body if body.endswith("--b--") else body + "--b--\r\n"
    assert body_pairs(MULTIPART, whole.encode()) == expected


def test_a_quoted_boundary_and_none():
    assert body_pairs('Multipart/Form-Data; x=y; boundary="b"', part("a", "1").encode() + b"--b--") == [
        ("a", "1")
    ]
    assert body_pairs("multipart/form-data", part("a", "1").encode()) == []
    assert body_pairs("multipart/form-data; boundary=", part("a", "1").encode()) == []


def test_a_multipart_form_has_a_largest_number_of_parts_and_type():
    assert len(body_pairs(MULTIPART, (part("a", "1") * MAX_PARTS + "--b--").encode())) == MAX_PARTS
    with pytest.raises(BodyTooLarge):
        body_pairs(MULTIPART, (part("a", "1") * (MAX_PARTS + 1) + "--b--").encode())
    with pytest.raises(BodyTooLarge):
        body_pairs(MULTIPART + ";" * 256, b"")
    with pytest.raises(BodyTooLarge):
        body_pairs(MULTIPART, b"x" * (MAX_FORM + 1))


def test_what_is_a_form():
    assert is_form("application/x-www-form-urlencoded") and is_form("Multipart/Form-Data ; boundary=b")
    assert not any(map(is_form, (None, "", "text/plain", "application/json", "multipart/mixed")))
