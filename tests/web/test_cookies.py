"""Cookies of strangers, read as browsers write them, and those we have browsers keep."""

import pytest

from moorage.web.cookies import Cookie, Scope, set_cookie

VALUE = "A-b_" * 10 + "xyz"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (f"ours={VALUE}", VALUE),
        (f"a=1; ours={VALUE}; b=2", VALUE),
        (f"a=1;ours={VALUE}", VALUE),
        (f"ours=other; ours={VALUE}", VALUE),
        (f'a="\\"; ours={VALUE}', VALUE),
        (f"theirs={VALUE}", None),
        (f"xours={VALUE}", None),
        (f"a=ours={VALUE}", None),
        (f"ours={VALUE}x", None),
        (f'ours="{VALUE}"', None),
        (f"ours={VALUE[1:]}", None),
        ("", None),
        (None, None),
    ],
)
def test_a_cookie_of_ours_is_found_and_nothing_else(header, value):
    assert Cookie("ours").of(header) == value


@pytest.mark.parametrize(
    ("base_url", "attributes"),
    [
        ("http://127.0.0.1:8787", "Path=/connect/; Max-Age=60; HttpOnly; SameSite=Lax"),
        ("https://a.test/b", "Path=/b/connect/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"),
    ],
)
def test_it_is_kept_for_one_path_from_scripts_and_other_sites(base_url, attributes):
    header = set_cookie(Cookie("ours"), VALUE, Scope.below(base_url, "/connect/"), 60)
    assert header == (b"set-cookie", f"ours={VALUE}; {attributes}".encode())
