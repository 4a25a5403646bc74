"""The operator's OAuth clients, with no server on the folder."""

import pytest

pytestmark = pytest.mark.usefixtures("home")


def test_a_client_is_kept_with_a_secret_from_standard_input_and_listed_without(moorage, typed):
    typed("a-secret\n")
    kept = moorage("client", "set", "zoho-crm", "--client-id", "1000.A", "--json")
    assert kept.status == 0, kept.err
    assert (kept.json["client"], kept.json["data_centre"]) == ("zoho", None)
    assert "Zoho CRM" in kept.json["apps"]
    assert kept.json["callback_url"] == "http://127.0.0.1:8787/connect/callback"
    listed = moorage("client", "list", "--json")
    [shown] = listed.json["clients"]
    assert shown == {"name": "zoho", "data_centre": None, "client_id": "1000.A", "source": "stored"}
    assert "a-secret" not in listed.out + kept.out
    text = moorage("client", "list").out
    assert "1000.A" in text and "/connect/callback" in text


def test_a_data_centre_has_a_client_of_its_own(moorage, typed, tmp_path):
    file = tmp_path / "secret"
    file.write_text("from-a-file\n")
    for centre in ("eu", "in"):
        done = moorage(
            "client", "set", "zoho-crm", "--client-id", centre, "--secret-file", file, "--data-centre", centre
        )
        assert done.status == 0 and "callback URL" in done.out
    assert moorage("client", "delete", "zoho-crm", "--data-centre", "in", "--yes").status == 0
    [left] = moorage("client", "list", "--json").json["clients"]
    assert left["data_centre"] == "eu"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("nope", "--client-id", "x"), 5, "no app 'nope'"),
        (("zoho-crm", "--client-id", "x", "--data-centre", "moon"), 2, "no data centre 'moon'"),
        (("zoho-crm", "--client-id", "with space"), 2, "can't be a client's id"),
        (("zoho-crm", "--client-id", ""), 2, "can't be a client's id"),
    ],
)
def test_what_can_not_be_a_client_is_told(moorage, typed, arguments, status, words):
    typed("secret")
    outcome = moorage("client", "set", *arguments)
    assert outcome.status == status and words in outcome.err
    assert moorage("client", "list", "--json").json["clients"] == []


@pytest.mark.parametrize("secret", ["", "with space", "two\tparts", "\u00e9", "x" * 1001])
def test_what_can_not_be_a_secret_is_told_and_not_repeated(moorage, typed, secret):
    typed(secret)
    outcome = moorage("client", "set", "zoho-crm", "--client-id", "x")
    assert outcome.status == 2 and "can't be a client's secret" in outcome.err
    assert not secret or secret not in outcome.err


def test_a_secret_file_that_is_no_text_is_named(moorage, tmp_path):
    (tmp_path / "secret").write_bytes(b"\xff")
    outcome = moorage("client", "set", "zoho-crm", "--client-id", "x", "--secret-file", tmp_path / "secret")
    assert outcome.status == 2 and f"{tmp_path / 'secret'} is not UTF-8 text" in outcome.err


def test_where_the_gateway_has_a_port_it_does_not_matter_that_the_crms_may_be_any(moorage, monkeypatch):
    monkeypatch.setenv("MOORAGE_CRM_PORT", "0")
    listed = moorage("client", "list", "--json")
    assert (listed.status, listed.json["callback_url"]) == (0, "http://127.0.0.1:8787/connect/callback")
    assert moorage("connection", "list").status == 3  # There it was looked for, and nobody listens.
    monkeypatch.setenv("MOORAGE_PORT", "0")
    assert moorage("client", "list", "--json").json["callback_url"] is None


def test_apps_are_listed(server, moorage):
    app = {
        "app": "zoho-crm",
        "title": "Zoho CRM",
        "method": "OAUTH2",
        "connectable": True,
        "outside": True,
        "client": "zoho",
    }
    server.answers(200, {"apps": [app]})
    assert moorage("app", "list", "--json").json == {"apps": [app]}
    assert moorage("app", "list").out.splitlines()[1].split() == [
        "zoho-crm",
        "Zoho",
        "CRM",
        "OAUTH2",
        "yes",
        "zoho",
    ]
    assert server.seen[0].target == "/apps"
