"""Cursors: they go on with the same question, and whatever else is sent as one is refused."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.mcp.crm.cursors import Cursor, cursor_for, digest_of
from moorage.mcp.errors import ToolFailed

QUESTION = digest_of("search", None, "Leads")


@settings(max_examples=20, deadline=None)
@given(
    st.integers(1, 1_000_000),
    st.integers(0, 1_000_000),
    st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=50),
)
def test_a_cursor_comes_back_as_it_was(page, skip, token):
    cursor = Cursor(QUESTION, page, skip, token)
    assert cursor_for(cursor.written(), QUESTION) == cursor


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_whatever_is_no_cursor_is_refused(text):
    with pytest.raises(ToolFailed):
        cursor_for(text, QUESTION)


@pytest.mark.parametrize(
    "json",
    [
        f'["{QUESTION}",0]',
        f'["{QUESTION}",1,-1]',
        f'["{QUESTION}",1,0,"a b"]',
        f'["{QUESTION}",1,0,null,1]',
        f'["{QUESTION}",1e999]',
        f'{{"question":"{QUESTION}"}}',
        "[" * 100_000,
    ],
    ids=["page", "skip", "token", "longer", "infinite", "object", "deep"],
)
def test_a_cursor_that_somebody_made_up_is_refused(json):
    with pytest.raises(ToolFailed, match="can't be read"):
        cursor_for(urlsafe_b64encode(json.encode()).decode(), QUESTION)


def test_a_cursor_fits_to_no_other_question():
    with pytest.raises(ToolFailed, match="other arguments"):
        cursor_for(Cursor(digest_of("search", None, "Deals")).written(), QUESTION)
