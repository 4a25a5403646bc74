"""What of a path and a query gets into the log."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.requests.shown import LONGEST, shown, shown_modules

SECRET = "1000.8cb99dxxxxxxxxxxxxx9be93.9b8xxxxxxxxxxxxxxxf"


@pytest.mark.parametrize(
    ("native", "kept"),
    [
        ("/crm/v8/Leads", "/crm/v8/Leads"),
        ("/crm/v8/Leads?page=2&per_page=200", "/crm/v8/Leads?page=2&per_page=200"),
        (
            "/crm/v8/Leads?fields=Last_Name,Email&email=a%40b.c",
            "/crm/v8/Leads?fields=Last_Name,Email&email=*",
        ),
        ("/a?owner_id=7243485000000597064", "/a?owner_id=7243485000000597064"),
        ("/a?id=secret", "/a?id=*"),
        (f"/a?fields={SECRET}", "/a?fields=*"),
        ("/a?page", "/a?page"),
        ("/a?secret", "/a?*"),
        ("/a?", "/a?"),
        ("/crm/v8/Leads/7243485000000597064", "/crm/v8/Leads/7243485000000597064"),
        ("/e55c5bac-241a-4cc8-9db5-50d2cad09136/x", "/e55c5bac-241a-4cc8-9db5-50d2cad09136/x"),
        (f"/bot{SECRET}/getMe", "/*/getMe"),
        (f"/bot/{SECRET}%3D%3D;v=1/getMe", "/bot/*/getMe"),
        (f"/a?fields=id,{SECRET}", "/a?fields=*"),
        (f"/a?{SECRET}=1", "/a?*=*"),
        ("/a?fields=First_Name,Other_Street2,Last_Name", "/a?fields=First_Name,Other_Street2,Last_Name"),
        ("/users/someone@example.com/files", "/users/*/files"),
        ("/users/someone%40example.com", "/users/*"),
        ("/\r\nx", "/%0D%0Ax"),
    ],
)
def test_names_are_kept_and_what_may_be_a_secret_is_not(native, kept):
    assert shown(native.encode()).decode() == kept


@settings(max_examples=20)
@given(st.binary(max_size=3000))
def test_it_is_short_and_printable_and_stays_as_it_is(native):
    text = shown(native)
    assert len(text) <= LONGEST and text.decode("ascii").isprintable()
    assert shown(text) == text


@settings(max_examples=20)
@given(st.sampled_from(["password", "code", "Authtoken", "q", "name", "criteria"]), st.integers(0, 9))
def test_no_value_of_another_name_is_kept(name, times):
    text = f"/a?{'page=1&' * times}{name}=verysecret"
    assert b"verysecret" not in shown(text.encode())


def test_what_stands_in_the_place_of_a_module_is_kept_only_if_it_is_a_name():
    names = (
        "Leads",
        "My_Module2",
        "*",
        SECRET,
        "mk_live_" + "a1" * 24,
        "someone@example.com",
        "a b",
        "x" * 101,
    )
    assert shown_modules(names) == (*names[:3], "*", "*", "*", "*", "*")
    assert len(shown_modules(["Leads"] * 99)) == 20
