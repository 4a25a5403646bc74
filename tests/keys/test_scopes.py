"""The words of scopes, and which of them are enough for others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.access import EVERYWHERE, Reach
from moorage.keys.errors import ScopeUnknown
from moorage.keys.scopes import CONTROL, EVERYTHING, NAMED_ONLY, parse
from tests.control_database import on_both as database_settings  # noqa: F401

ONE = "e55c5bac-241a-4cc8-9db5-50d2cad09136"
TWO = "11111111-2222-4333-8444-555555555555"
TARGETS = ["", ":crm", ":mail", f":{ONE}", f":{TWO}"]
words = st.sampled_from(list(CONTROL)) | st.builds(
    "proxy{}{}".format, st.sampled_from(TARGETS), st.sampled_from(["", ":read"])
)
sets = st.frozensets(words, min_size=1, max_size=5)


@given(sets)
def test_what_is_written_is_what_was_read(texts):
    assert frozenset(parse(texts).texts()) == texts
    assert parse(parse(texts).texts()) == parse(texts)


def test_everything_has_its_words_too():
    assert parse(EVERYTHING.texts()) == EVERYTHING
    assert EVERYTHING.texts() == [*(scope for scope in CONTROL if scope not in NAMED_ONLY), "proxy"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "read",
        "connections",
        "connections:delete",
        "connections:read:crm",
        "connections:read ",
        "Connections:read",
        "keys:*",
        "*",
        "proxy:",
        "proxy::read",
        "proxy:crm:write",
        "proxy:crm:read:read",
        "proxy:crm:read:mail",
        "proxy:read:crm",
        "proxy:read:read",
        "proxy:CRM",
        "proxy:crm/x",
        "proxy:-crm",
        "proxy:crm\n",
        "proxy :crm",
        "proxies",
        f"proxy:{ONE}:{TWO}",
        "\ud800",
    ],
)
def test_other_words_are_refused_and_told_which_there_are(text):
    with pytest.raises(ScopeUnknown) as caught:
        parse(["proxy", text])
    assert "connections:read" in caught.value.help and "proxy:<app>" in caught.value.help


def test_an_app_that_is_not_there_is_refused_and_told_which_are():
    assert parse(["proxy:crm:read"], {"crm"}) == parse(["proxy:crm:read"])
    with pytest.raises(ScopeUnknown) as caught:
        parse(["proxy:crn:read"], {"mail", "crm"})
    assert caught.value.help.endswith("Known apps: crm, mail.")


def test_the_case_of_an_id_does_not_matter():
    assert parse([f"proxy:{ONE.upper()}"]) == parse([f"proxy:{ONE}"])


def test_reach_is_all_that_some_grant_names():
    assert parse(["proxy:crm", "proxy:read"]).reach == EVERYWHERE
    assert parse(["proxy:crm", f"proxy:{ONE}:read"]).reach == Reach(frozenset({"crm"}), frozenset({ONE}))
    assert parse(["connections:read"]).reach == EVERYWHERE


@pytest.mark.parametrize(
    ("texts", "crm", "mail"),
    [
        (["keys:write"], False, False),
        (["proxy:read"], True, True),
        (["proxy:crm:read"], True, False),
        ([f"proxy:{ONE}"], True, True),
    ],
)
def test_an_app_may_be_called_if_some_grant_could_be_for_it(texts, crm, mail):
    assert (parse(texts).may_call("crm"), parse(texts).may_call("mail")) == (crm, mail)


@pytest.mark.parametrize(
    ("texts", "to_first", "to_second"),
    [
        (["proxy"], True, True),
        (["proxy:read"], False, False),
        (["proxy:crm"], True, True),
        (["proxy:crm:read"], False, False),
        (["proxy:mail", "proxy:read"], False, False),
        ([f"proxy:{ONE}"], True, False),
        ([f"proxy:{ONE}:read", "proxy:read"], False, False),
        (["proxy:crm:read", f"proxy:{TWO}"], False, True),
    ],
)
def test_writing_needs_a_grant_for_it(texts, to_first, to_second):
    scopes = parse(texts)
    assert (scopes.may_write("crm", ONE), scopes.may_write("crm", TWO)) == (to_first, to_second)


@pytest.mark.parametrize(
    ("wanted", "own", "beyond"),
    [
        (["proxy:crm:read"], ["proxy"], None),
        (["proxy:crm:read"], ["proxy:read"], None),
        (["proxy:crm:read"], ["proxy:crm"], None),
        ([f"proxy:{ONE}"], ["proxy"], None),
        (["connections:read", "keys:read"], list(EVERYTHING.texts()), None),
        (["proxy:crm"], ["proxy:crm:read", "proxy:mail"], "proxy:crm"),
        (["proxy"], ["proxy:crm"], "proxy"),
        (["proxy:read"], ["proxy:crm", f"proxy:{ONE}"], "proxy:read"),
        ([f"proxy:{ONE}"], [f"proxy:{TWO}", f"proxy:{ONE}:read"], f"proxy:{ONE}"),
        (["connections:write", "keys:read"], ["connections:read", "keys:read"], "connections:write"),
        # Who names no connection at all sees them all.
        (["connections:read"], ["connections:read", "proxy:crm"], "proxy:read"),
        (["connections:read"], ["connections:read", "keys:write"], None),
        (["keys:read"], ["keys:read", "proxy:crm"], None),
    ],
)
def test_scopes_are_beyond_others_if_they_allow_more(wanted, own, beyond):
    assert parse(wanted).beyond(parse(own)) == beyond


@given(sets, sets)
def test_scopes_that_are_not_beyond_others_allow_nothing_that_those_do_not(wanted, own):
    mine, yours = parse(wanted), parse(own)
    if mine.beyond(yours) is not None:
        return
    assert mine.control <= yours.control
    for app in ("crm", "mail"):
        assert yours.may_call(app) or not mine.may_call(app)
        for connection in (ONE, TWO):
            assert yours.may_write(app, connection) or not mine.may_write(app, connection)
    sees = not mine.control.isdisjoint({"connections:read", "connections:write"})
    if yours.reach.apps is not None and (mine.grants or sees):
        assert mine.reach.apps is not None and mine.reach.apps <= yours.reach.apps
        assert mine.reach.connections <= yours.reach.connections


@given(sets)
def test_nothing_is_beyond_itself_nor_beyond_everything(texts):
    assert parse(texts).beyond(parse(texts)) is None
    assert parse(texts).beyond(EVERYTHING) in {None, *NAMED_ONLY}
