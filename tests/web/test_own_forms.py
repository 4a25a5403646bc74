"""Which forms are known to come from a page of ours."""

import pytest

from moorage.web.own_forms import is_vouched_for, objection

FORM = {"content-type": "application/x-www-form-urlencoded"}
OWN = {"host": "moorage.lan", "origin": "http://moorage.lan"}


def against(own_url, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return objection((FORM | named).get, own_url)


@pytest.mark.parametrize(
    ("own_url", "headers"),
    [
        ("http://moorage.lan", {}),
        ("http://moorage.lan", OWN),
        ("http://moorage.lan:80/base", OWN | {"host": "moorage.lan:80"}),
        ("https://m.example/base", {"host": "m.example:443", "origin": "https://m.example"}),
        ("https://m.example", {"host": "m.example", "origin": "null"}),  # Our pages forbid referrers.
        ("https://m.example", {"host": "127.0.0.1:8787", "origin": "https://m.example"}),  # Behind a proxy.
        ("http://127.0.0.1:8787", {"host": "localhost:8787", "origin": "http://localhost:8787"}),
        ("http://127.0.0.1:8787", {"host": "[::1]:8787", "origin": "http://[::1]:8787"}),
        ("http://0.0.0.0:8787", {"host": "192.0.2.7:8787", "origin": "https://192.0.2.7:8787"}),
        ("https://m.example", {"host": "m.example", "sec_fetch_site": "same-origin"}),
        ("https://m.example", {"host": "m.example", "sec_fetch_site": "none"}),
    ],
)
def test_nothing_speaks_against_these(own_url, headers):
    assert against(own_url, **headers) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://moorage.lan.evil.example"},
        {"origin": "https://moorage.lan"},
        {"origin": "http://moorage.lan:8080"},
        {"origin": ""},
        {"origin": "http://127.0.0.1"},
        {"host": "127.0.0.1:8787", "origin": "http://127.0.0.1:3000"},
        {"host": "evil.example", "origin": "http://evil.example"},
        {"host": "evil.example", "sec_fetch_site": "same-origin"},
        {"host": "moorage.lan:8080"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "127.0.0.1" * 8000},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": ""},
        {"content_type": "text/plain"},
        {"content_type": "application/json"},
        {"content_type": ""},
    ],
)
def test_these_are_refused(headers):
    assert against("http://moorage.lan", **(OWN | headers)) is not None


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": "http://moorage.lan"}],
)
def test_a_browser_that_names_us_vouches(headers):
    assert is_vouched_for(headers.get)


@pytest.mark.parametrize("headers", [{}, {"origin": "null"}, {"host": "moorage.lan"}])
def test_a_browser_that_says_nothing_does_not(headers):
    assert not is_vouched_for(headers.get)


@pytest.mark.parametrize(
    ("own_url", "fix"),
    [("http://127.0.0.1:8787", "MOORAGE_PUBLIC_URL"), ("https://m.example", "Host header")],
)
def test_behind_a_proxy_the_refusal_says_what_to_set(own_url, fix):
    told = against(own_url, host="moorage.lan")
    assert ("sent to 'moorage.lan'" in told, fix in told) == (True, True)
