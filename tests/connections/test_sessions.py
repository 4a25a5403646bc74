import asyncio
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.connections.errors import SessionExpired, SessionInvalid
from moorage.connections.sessions import LIFETIME, Sessions

NOW = 1_767_225_600.0


def sessions(*keys):
    """Those that the first key signs; the others signed before it."""

    async def signing_keys():
        return keys

    return Sessions(lambda: keys[0], signing_keys)


def read(token, now, by=None):
    return asyncio.run((by or SESSIONS).read(token, now))


SESSIONS = sessions(b"k" * 32)
ID = "e55c5bac-241a-4cc8-9db5-50d2cad09136"


@settings(deadline=None)
@given(st.uuids(), st.integers(0, 2**32 - 1))
def test_a_token_says_which_connection_and_generation(connection, generation):
    token = SESSIONS.make(str(connection), generation, NOW)
    assert read(token, NOW) == (str(connection), generation)


@given(st.integers(0, 52), st.integers(1, 255))
def test_a_changed_token_is_refused(place, change):
    token = SESSIONS.make(ID, 1, NOW)
    changed = token[:place] + chr(ord(token[place]) ^ change) + token[place + 1 :]
    with pytest.raises(SessionInvalid):
        read(changed, NOW)


@given(st.text(max_size=200))
def test_what_is_no_token_is_refused(text):
    with pytest.raises(SessionInvalid):
        read(text, NOW)


def test_a_token_of_another_key_is_refused():
    with pytest.raises(SessionInvalid):
        read(SESSIONS.make(ID, 1, NOW), NOW, by=sessions(b"x" * 32))


def test_a_token_of_a_key_used_before_is_good():
    assert read(SESSIONS.make(ID, 1, NOW), NOW, by=sessions(b"x" * 32, b"k" * 32)) == (ID, 1)


def test_a_token_ends_after_half_an_hour():
    token = SESSIONS.make(ID, 1, NOW)
    assert read(token, NOW + LIFETIME - 1) == (ID, 1)
    with pytest.raises(SessionExpired):
        read(token, NOW + LIFETIME)


def test_a_token_fits_into_an_address():
    token = SESSIONS.make(str(uuid.UUID(int=2**128 - 1)), 2**32 - 1, NOW)
    assert len(token) < 64 and token.replace("-", "").replace("_", "").isalnum()
