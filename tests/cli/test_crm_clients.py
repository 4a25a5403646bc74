"""Clients, codes and passwords of the embedded CRM, with no server on its folder."""

import pytest

pytestmark = pytest.mark.usefixtures("home")

ANA = "ana@harbourpine.example"


@pytest.fixture
def demo(made):
    made("crm", "org", "create", "demo", "--empty")


@pytest.fixture
def create(moorage, demo):
    def create(*arguments):
        outcome = moorage("crm", "client", "create", "--name", "Mine", *arguments, "--json")
        assert outcome.status == 0, outcome.err
        return outcome.json["client"]

    return create


def test_a_secret_is_shown_when_the_client_is_made_and_never_again(moorage, create):
    client = create("--redirect-uri", "https://a.example/", "--redirect-uri", "https://b.example/")
    assert client["redirect_uris"] == ["https://a.example/", "https://b.example/"]
    listed = moorage("crm", "client", "list", "--json")
    [shown] = listed.json["clients"]
    assert (shown["client_id"], shown["organisation"], shown["kind"]) == (
        client["client_id"],
        "demo",
        "server-based",
    )
    assert client["client_secret"] not in listed.out
    assert client["client_id"] in moorage("crm", "client", "list").out
    assert "client_secret  " in moorage("crm", "client", "create", "--name", "x", "--self").out


def test_clients_are_listed_by_organisation(moorage, create):
    create("--self")
    moorage("crm", "org", "create", "other", "--empty")
    other = create("--self", "--org", "other")
    clients = moorage("crm", "client", "list", "--org", "other", "--json").json["clients"]
    assert [client["client_id"] for client in clients] == [other["client_id"]]
    assert moorage("crm", "client", "list", "--org", "nope").status == 5


def test_a_deleted_client_is_gone(moorage, create):
    client = create("--self")["client_id"]
    assert moorage("crm", "client", "delete", client, "--yes", "--json").json == {"deleted": client}
    assert moorage("crm", "client", "delete", client, "--yes").status == 5
    assert moorage("crm", "client", "list", "--json").json == {"clients": []}


@pytest.mark.parametrize("arguments", [(), ("--self", "--redirect-uri", "https://a.example/")])
def test_what_no_client_can_be_is_said(moorage, demo, arguments):
    outcome = moorage("crm", "client", "create", "--name", "x", *arguments, "--json")
    assert (outcome.status, outcome.error["code"]) == (2, "client_invalid")


def test_a_self_client_gets_a_code(moorage, create):
    client = create("--self")["client_id"]
    assert moorage("crm", "grant-code", "--client", client).out.startswith("1000.")
    grant_code = moorage("crm", "grant-code", "--client", client, "--minutes", "10", "--json").json
    assert grant_code["expires_in"] == 600 and grant_code["code"].startswith("1000.")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--client", "nope"), 5),
        (("--scope", "x"), 2),
        (("--minutes", "11"), 2),
        (("--minutes", "0"), 2),
    ],
)
def test_what_no_code_can_be_given_for_is_said(moorage, create, arguments, status):
    client = create("--self")["client_id"]
    assert moorage("crm", "grant-code", "--client", client, *arguments).status == status


def test_a_password_is_read_and_not_shown(moorage, demo, typed, tmp_path):
    typed("correct horse\n")
    outcome = moorage("crm", "user", "password", ANA.upper(), "--json")
    assert outcome.json == {"password_set": ANA}
    assert "horse" not in outcome.err
    for file in (tmp_path / "home").rglob("*"):
        assert not file.is_file() or b"correct horse" not in file.read_bytes()


@pytest.mark.parametrize(
    ("email", "password", "code", "status"),
    [
        (ANA, "short", "password_invalid", 2),
        (ANA, "", "password_invalid", 2),
        (ANA, "x" * 257, "password_invalid", 2),
        ("nobody@harbourpine.example", "correct horse", "user_unknown", 5),
        ("omar@harbourpine.example", "correct horse", "user_unknown", 5),
    ],
)
def test_a_password_that_can_not_be_is_refused(moorage, demo, typed, email, password, code, status):
    typed(password + "\n")
    outcome = moorage("crm", "user", "password", email, "--json")
    assert (outcome.status, outcome.error["code"]) == (status, code)
    assert not password or password not in outcome.err + outcome.out


def test_an_organisation_lives_in_the_data_centre_it_was_made_in(moorage, demo):
    created = moorage("crm", "org", "create", "europe", "--empty", "--data-centre", "eu", "--json")
    assert created.json["organisation"]["data_centre"] == "eu"
    rows = moorage("crm", "org", "list", "--json").json["organisations"]
    assert {row["slug"]: row["data_centre"] for row in rows} == {"demo": "us", "europe": "eu"}
    credentials = moorage("crm", "credentials", "--org", "europe", "--json").json
    assert credentials["api_domain"] == credentials["accounts_url"] == "http://127.0.0.1:8788/dc/eu"
    assert credentials["token_url"] == "http://127.0.0.1:8788/dc/eu/oauth/v2/token"


def test_a_data_centre_that_there_is_not_is_refused(moorage, demo):
    outcome = moorage("crm", "org", "create", "moon", "--data-centre", "moon", "--json")
    assert (outcome.status, outcome.error["code"]) == (2, "organisation_invalid")
    assert "us, eu, in" in outcome.error["message"]


def test_the_access_that_a_user_has_given_is_taken_back(moorage, demo):
    assert moorage("crm", "credentials", "--json").status == 0
    revoked = moorage("crm", "user", "revoke", ANA.upper(), "--yes", "--json")
    assert revoked.json == {"revoked": ANA, "refresh_tokens": 1}
    assert "Ended 0 refresh tokens" in moorage("crm", "user", "revoke", ANA, "--yes").out
    assert moorage("crm", "user", "revoke", "nobody@harbourpine.example", "--yes").status == 5
    entries = moorage("audit", "--json", "--action", "organisation.access_taken_back").json["entries"]
    assert {(entry["subject"], entry["after"]["user"]) for entry in entries} == {("demo", ANA)}
