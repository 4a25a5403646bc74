import json
import re
from pathlib import Path

import pytest

from moorage.errors import MoorageError
from moorage.http.errors import STATUS, MethodNotAllowed, NotFound, own_error, render
from moorage.keys.errors import KeyInvalid, RateLimited
from moorage.oauth.errors import AccountsUnreachable, RefreshLimited

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text()
# What the command line says of how it was called; docs/cli.md tells it by exit status.
OF_THE_COMMAND_LINE = {"usage", "declined"}
# What only the machine itself can be told: no answer over HTTP ever carries these.
NEVER_ON_THE_WIRE = {
    "address_unavailable",
    "backup_busy",
    "backup_damaged",
    "backup_unreadable",
    "client_invalid",
    "client_unknown",
    "codes_exhausted",
    "configuration_broken",
    "database_not_empty",
    "database_served",
    "driver_missing",
    "home_elsewhere",
    "home_in_use",
    "home_missing",
    "home_unusable",
    "log_missing",
    "not_connected",
    "not_mcp",
    "oauth_client_invalid",
    "oauth_client_unknown",
    "organisation_exists",
    "organisation_invalid",
    "passphrase_wrong",
    "password_invalid",
    "scopes_invalid",
    "server_ended",
    "settings_invalid",
    "not_running",
    "posix_needed",
    "reload_silent",
    "still_running",
    "user_unknown",
    "snapshot_unwritable",
    "vault_busy",
    "vault_key_given",
    "vault_key_missing",
    "vault_key_refused",
    "worker_failed",
}


def codes():
    """Every code that a class in our sources declares."""
    sources = (ROOT / "src" / "moorage").rglob("*.py")
    declared = (
        re.findall(r'^    code(?::.*)? = "([a-z_]+)"', file.read_text(), re.MULTILINE) for file in sources
    )
    return {code for error in declared for code in error} - OF_THE_COMMAND_LINE


def test_every_code_that_travels_has_a_status():
    assert codes() - NEVER_ON_THE_WIRE - set(STATUS) == set()


def test_the_page_explains_every_code_and_no_other():
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == codes() | set(STATUS)


def test_the_page_gives_each_status_as_it_is():
    shown = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert {code: STATUS.get(code) for code in shown} == {code: int(status) for code, status in shown.items()}


def test_an_error_has_one_shape():
    response = render(NotFound("Nothing is here.", help="Look there."), "r1")
    assert response.status == 404
    assert json.loads(response.body) == {
        "message": "Nothing is here.",
        "error": {"type": "not_found", "code": "not_found", "message": "Nothing is here."},
        "detail": "Look there.",
    }
    headers = dict(response.headers)
    assert (
        headers[b"content-type"] == b"application/json" and headers[b"x-content-type-options"] == b"nosniff"
    )
    assert (headers[b"x-request-id"], headers[b"moorage-error-source"]) == (b"r1", b"gateway")


def test_an_error_without_help_repeats_its_message():
    assert json.loads(render(NotFound("Nothing is here."), "r1").body)["detail"] == "Nothing is here."


@pytest.mark.parametrize("help_", ["Look elsewhere.", None])
def test_our_own_readers_get_back_what_an_error_said(help_):
    written = json.loads(render(NotFound("Nothing is here.", help=help_), "r1").body)
    assert own_error(written) == ("not_found", "Nothing is here.", help_ or "")


@pytest.mark.parametrize(
    "document", [None, [], {}, {"error": "no"}, {"code": "INVALID_DATA", "message": "no"}]
)
def test_an_error_of_an_app_is_none_of_ours(document):
    assert own_error(document) is None


def test_a_code_nobody_knows_is_our_failure():
    class Strange(MoorageError):
        code = "strange"

    assert render(Strange("?"), "r1").status == 500


@pytest.mark.parametrize(
    ("wait", "seconds"), [(0.0, b"1"), (0.2, b"1"), (1.0, b"1"), (1.01, b"2"), (60.0, b"60")]
)
def test_the_time_to_wait_is_given_in_whole_seconds(wait, seconds):
    assert dict(render(RateLimited(wait), "r1").headers)[b"retry-after"] == seconds


@pytest.mark.parametrize(("refused", "status"), [(RefreshLimited, 503), (AccountsUnreachable, 502)])
def test_callers_who_find_no_token_are_told_when_to_come_back(refused, status):
    answer = render(refused("a connection", 12.3), "r1")
    assert (answer.status, dict(answer.headers)[b"retry-after"]) == (status, b"13")


def test_a_missing_key_is_told_how_to_come_back():
    assert dict(render(KeyInvalid(), "r1").headers)[b"www-authenticate"] == b"Bearer"


def test_a_wrong_method_is_told_the_right_ones():
    assert dict(render(MethodNotAllowed("No.", allow="GET, POST"), "r1").headers)[b"allow"] == b"GET, POST"
