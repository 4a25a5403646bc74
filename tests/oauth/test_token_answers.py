import json

import pytest

from moorage.oauth.errors import TokenFailed, TokenRefused
from moorage.oauth.model import AccessToken, Minted
from moorage.oauth.transport.token_responses import read_token_answer
from tests.oauth.conftest import HOUR


def answered(control, document, status=200):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_token_answer(status, body, control.clock)


def test_a_token_answer_is_read_as_zoho_writes_it(control):
    now = control.clock.timestamp()
    assert answered(control, {"access_token": "a", "expires_in": 60}).access == AccessToken("a", now + 60)
    assert answered(control, {"access_token": "a"}) == Minted(AccessToken("a", now + HOUR))
    for lifetime in ("soon", None, 0, -1, 10**400, [], 1e300):
        document = json.dumps({"access_token": "a", "expires_in": lifetime}).encode()
        assert answered(control, document).access == AccessToken("a", now + HOUR)


def test_another_refresh_token_and_a_base_url_are_taken_along_where_they_make_sense(control):
    minted = answered(control, {"access_token": "a", "refresh_token": "b", "api_domain": "https://c.test"})
    assert (minted.refresh_token, minted.api_domain) == ("b", "https://c.test")
    assert "'b'" not in repr(minted)
    for nonsense in (7, "", None, ["b"], "with space", "line\n"):
        minted = answered(control, {"access_token": "a", "refresh_token": nonsense, "api_domain": nonsense})
        assert (minted.refresh_token, minted.api_domain) == (None, None)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {"error": "invalid_code"}),
        (400, {"error": "invalid_client"}),
        (401, {"error": "invalid_client_secret"}),
        (200, {"error": "x" * 5000}),
    ],
)
def test_an_error_of_the_grant_is_final(control, status, document):
    with pytest.raises(TokenRefused):
        answered(control, document, status)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {"error": "Access Denied", "error_description": "too many requests continuously"}),
        (400, {"error": "Access Denied"}),
        (429, {"error": "invalid_grant"}),
        (400, {"error": "slow_down"}),
        (500, {"error": "invalid_code"}),
        (503, b"<html>"),
        (200, b""),
        (200, b"[]"),
        (200, b"\xff"),
        (200, {}),
        (200, {"access_token": ""}),
        (200, {"access_token": 7}),
        (200, {"access_token": "a\r\nCookie: b"}),
        (200, {"access_token": "tokén"}),
        (400, {"error": {"code": "invalid_code"}}),
        (400, {"error": ["invalid_code"]}),
        (200, b"[" * 100_000),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_anything_else_is_worth_another_try(control, status, document):
    with pytest.raises(TokenFailed):
        answered(control, document, status)


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (200, "Access Denied", "Access Denied"),
        (400, "server_error", "server_error"),
        (500, "invalid_code", None),
    ],
)
def test_of_a_failure_for_now_only_codes_that_are_known_are_told(control, status, error, reason):
    with pytest.raises(TokenFailed) as failed:
        answered(control, {"error": error}, status)
    assert failed.value.reason == reason
