import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.connections.errors import SessionExpired, SessionInvalid
from moorage.connections.sessions import LIFETIME, Sessions

NOW = 1_767_225_600.0
SESSIONS = Sessions(b"k" * 32)
ID = "e55c5bac-241a-4cc8-9db5-50d2cad09136"


@given(st.uuids(), st.integers(0, 2**32 - 1))
def test_a_token_says_which_connection_and_generation(connection, generation):
    token = SESSIONS.make(str(connection), generation, NOW)
    assert SESSIONS.read(token, NOW) == (str(connection), generation)


@given(st.integers(0, 52), st.integers(1, 255))
def test_a_changed_token_is_refused(place, change):
    token = SESSIONS.make(ID, 1, NOW)
    changed = token[:place] + chr(ord(token[place]) ^ change) + token[place + 1 :]
    with pytest.raises(SessionInvalid):
        SESSIONS.read(changed, NOW)


@given(st.text(max_size=200))
def test_what_is_no_token_is_refused(text):
    with pytest.raises(SessionInvalid):
        SESSIONS.read(text, NOW)


def test_a_token_of_another_key_is_refused():
    with pytest.raises(SessionInvalid):
        Sessions(b"x" * 32).read(SESSIONS.make(ID, 1, NOW), NOW)


def test_a_token_ends_after_half_an_hour():
    token = SESSIONS.make(ID, 1, NOW)
    assert SESSIONS.read(token, NOW + LIFETIME - 1) == (ID, 1)
    with pytest.raises(SessionExpired):
        SESSIONS.read(token, NOW + LIFETIME)


def test_a_token_fits_into_an_address():
    token = SESSIONS.make(str(uuid.UUID(int=2**128 - 1)), 2**32 - 1, NOW)
    assert len(token) < 64 and token.replace("-", "").replace("_", "").isalnum()
