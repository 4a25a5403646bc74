"""The shipped apps: each file has all that connecting needs, in the same form, and names its sources."""

import re
from urllib.parse import urlsplit

import pytest

from moorage.oauth.apps.files import RESERVED, read_provider
from moorage.oauth.apps.providers import SHIPPED

APPS = {file.stem: read_provider(file) for file in sorted(SHIPPED.glob("*.toml"))}
ZOHO = {
    f"zoho-{app}"
    for app in ("bigin", "books", "crm", "desk", "inventory", "mail", "people", "projects", "recruit")
}
OTHERS = {"github", "google-mail", "hubspot", "notion", "salesforce", "slack", "stripe"}
each_app = pytest.mark.parametrize("app", APPS.values(), ids=APPS)


def urls(app):
    return {
        url
        for centre in app.data_centres.values()
        for url in (*centre.apis.values(), centre.accounts, centre.tokens)
        if url is not None
    }


def test_these_are_shipped():
    assert APPS.keys() == ZOHO | OTHERS


def test_no_two_have_the_same_name_or_title():
    assert {app.name for app in APPS.values()} == APPS.keys()
    assert len({app.title for app in APPS.values()}) == len(APPS)


@each_app
def test_its_name_is_no_path_of_the_gateways_own(app):
    assert app.name not in RESERVED


@each_app
def test_its_file_says_where_its_facts_are_from_and_when_they_were_looked_up(app):
    text = (SHIPPED / f"{app.name}.toml").read_text(encoding="utf-8")
    begins = " ".join(re.match(r"(#.*\n)*", text).group().replace("#", "").split())
    assert "documentation" in begins and "://" not in begins
    assert re.search(r"Looked up in [A-Z][a-z]+ 20\d\d\.", begins)


@each_app
def test_it_is_reached_over_tls_at_hosts_by_name(app):
    for url in urls(app):
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", parts.hostname, ""), url
        assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.hostname), url


@each_app
def test_its_header_carries_the_token(app):
    assert app.authorization.count("{access_token}") == 1


@each_app
def test_people_sign_in_or_paste_a_key(app):
    accounts = [centre.accounts for centre in app.data_centres.values()]
    if app.method == "OAUTH2":
        assert app.signs_in and all(accounts)
    else:
        assert not app.signs_in and not any(accounts) and not app.scopes and not app.refreshes


@each_app
def test_its_scopes_are_named_and_explained(app):
    # Notion knows none, and what a key may do is chosen where it is made.
    assert bool(app.scopes) == (app.name not in {"notion", "stripe"})
    for scope, meaning in app.scopes.items():
        assert re.fullmatch(r"[!-~]+", scope) and app.scope_separator not in scope
        assert re.fullmatch(r"[a-z].{5,98}[a-z]", meaning), meaning
    assert len(set(app.scopes.values())) == len(app.scopes)


@each_app
def test_it_tells_whose_account_was_connected(app):
    facts = [name for identity in app.identity for name in identity.facts]
    assert facts and set(facts) <= {"organisation", "organisation_id", "user"}
    assert len(set(facts)) == len(facts)


@each_app
def test_apps_that_share_a_client_share_their_accounts_servers(app):
    for other in APPS.values():
        if other.client_name == app.client_name:
            for key in app.data_centres.keys() & other.data_centres.keys():
                assert app.data_centres[key].accounts == other.data_centres[key].accounts


@pytest.mark.parametrize("name", sorted(ZOHO))
def test_every_app_of_zohos_signs_in_as_zoho_crm_does(name):
    app, crm = APPS[name], APPS["zoho-crm"]
    for key in (
        "client_name", "method", "authorization", "authorize_path", "token_path", "revoke_path", "authorize_params",
        "scope_separator", "pkce", "token_auth", "token_body", "refreshes",
    ):  # fmt: skip
        assert getattr(app, key) == getattr(crm, key), key
    assert app.data_centres.keys() <= crm.data_centres.keys()
    assert {"us", "eu", "in", "au", "jp", "cn", "ca"} <= app.data_centres.keys()


@pytest.mark.parametrize("name", sorted(ZOHO))
def test_every_api_of_zohos_lies_in_the_data_centre_that_it_is_listed_under(name):
    ends = {
        "us": ".com", "eu": ".eu", "in": ".in", "cn": ".com.cn", "jp": ".jp", "au": ".com.au", "ca": ".ca", "sa": ".sa",
    }  # fmt: skip
    for key, centre in APPS[name].data_centres.items():
        for url in centre.apis.values():
            assert re.sub(r"^https://[a-z.]*?(zohoapis|zoho|zohocloud)\.", ".", url) == ends[key]


def test_where_each_customer_has_a_host_only_the_makers_own_are_believed():
    salesforce = APPS["salesforce"]
    assert [app for app in APPS.values() if app.instance] == [salesforce]
    assert (salesforce.instance.key, salesforce.instance.suffix) == ("instance_url", ".salesforce.com")
    assert salesforce.data_centres["production"].accounts == "https://login.salesforce.com"
    assert salesforce.data_centres["sandbox"].accounts == "https://test.salesforce.com"
