"""Scopes in plain words. A scope without words does not exist."""

import pytest

from moorage.crm.accounts.wording import in_words, published
from moorage.crm.api import routes
from moorage.crm.wire.scopes import FULL, ScopeSet


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("ZohoCRM.modules.ALL", "Read, add, change and delete records of every module"),
        ("zohocrm.MODULES.Leads.read", "Read records of the module “leads”"),
        ("ZohoCRM.settings.custom_views.READ", "Read settings: custom views"),
        ("ZohoCRM.org.READ", "Read the organisation's own data"),
        ("ZohoCRM.composite_requests.CUSTOM", "Put several calls into one"),
        ("AaaServer.profile.READ", "Read your name and e-mail address"),
    ],
)
def test_a_scope_reads_as_what_it_allows(scope, words):
    assert in_words(scope) == words


def test_every_scope_that_a_call_needs_has_words():
    needed = {scope.replace("{module}", "leads") for route in routes() for scope in route.scopes}
    assert needed and [scope for scope in needed if in_words(scope) is None] == []


def test_all_that_credentials_give_could_be_asked_for():
    assert published(FULL).names == ScopeSet.parse(FULL).names


@pytest.mark.parametrize(
    "scope",
    [
        "ZohoBooks.fullaccess.ALL",
        "ZohoCRM.modules.CUSTOM",
        "ZohoCRM.modules",
        "ZohoCRM.READ",
        "ZohoCRM.share.READ",
        "ZohoCRM.users.leads.READ",
        "ZohoCRM.modules.a.b.READ",
    ],
)
def test_what_zoho_does_not_publish_is_no_scope(scope):
    with pytest.raises(ValueError):
        published(scope)
