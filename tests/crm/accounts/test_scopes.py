"""Each call needs its own scopes and no others. A scope that covers them is enough."""

import re

import pytest

from moorage.crm.wire.scopes import FULL, ScopeSet, module_group
from tests.crm.conftest import Caller
from tests.crm.families import FAMILIES, ROUTES

MISMATCH = {
    "code": "OAUTH_SCOPE_MISMATCH",
    "details": {},
    "message": "invalid oauth scope to access this URL",
    "status": "error",
}
# All there is besides the scope in question, so that only that one can be what is missing.
OTHERS = {
    "ZohoCRM.modules.leads.": ("ZohoCRM.modules.contacts.ALL",),
    "ZohoCRM.modules.contacts.": ("ZohoCRM.modules.leads.ALL",),
    "ZohoCRM.modules.approvals.": ("ZohoCRM.modules.contacts.ALL",),
    "ZohoCRM.modules.events.": ("ZohoCRM.modules.contacts.ALL",),
    "ZohoCRM.modules.notes.": ("ZohoCRM.modules.contacts.ALL",),
    "ZohoCRM.modules.attachments.": ("ZohoCRM.modules.contacts.ALL",),
    "ZohoCRM.composite_requests.": ("ZohoCRM.modules.ALL",),
    "ZohoCRM.settings.tags.": ("ZohoCRM.settings.roles.ALL",),
    "ZohoCRM.settings.": ("ZohoCRM.settings.tags.ALL",),
    "ZohoCRM.share.leads.": ("ZohoCRM.share.contacts.ALL",),
    "ZohoCRM.change_owner.": ("ZohoCRM.modules.ALL",),
    "ZohoCRM.mass_convert.": ("ZohoCRM.modules.ALL",),
    "ZohoCRM.mass_delete.": ("ZohoCRM.modules.ALL",),
    "ZohoCRM.mass_update.": ("ZohoCRM.modules.ALL",),
    "ZohoCRM.users.": ("ZohoCRM.org.ALL",),
    "ZohoCRM.org.": ("ZohoCRM.users.ALL",),
    "ZohoCRM.files.": ("ZohoCRM.modules.attachments.ALL",),
    "ZohoCRM.modules.emails.": ("ZohoCRM.modules.contacts.ALL",),
    "ZohoCRM.send_mail.": ("ZohoCRM.org.ALL",),
    "ZohoCRM.templates.": ("ZohoCRM.org.ALL",),
    "ZohoCRM.notifications.": ("ZohoCRM.org.ALL",),
    "ZohoCRM.coql.": ("ZohoCRM.modules.ALL",),
    "ZohoSearch.": ("ZohoFiles.files.ALL",),
    "ZohoCRM.bulk.": ("ZohoCRM.org.ALL",),
    "ZohoFiles.": ("ZohoCRM.org.ALL",),
}


def needed(route) -> list[str]:
    return [scope.replace("{module}", "leads") for scope in route.scopes]


def near_misses(scope: str) -> list[str]:
    """Scopes that are nearly the needed scope: another operation, another part, another group."""
    *groups, operation = scope.split(".")
    other = "DELETE" if operation != "DELETE" else "READ"
    stem = ".".join(groups) + "."
    beside = next(near for prefix, near in OTHERS.items() if scope.startswith(prefix))
    return [f"{stem}{other}", *beside]


def call(caller, route):
    """Call a route with what lets the call get past its parameters, or at least past its scopes."""
    path = re.sub(r"\{module\}", "Leads", route.pattern).replace("{id}", "7243485000000000001")
    body = {"data": [{"Last_Name": "x"}]} if route.method in {"POST", "PUT"} else None
    return caller.call(
        route.method, path, {"fields": "id", "module": "Leads", "ids": "1", "word": "ab"}, body
    )


@pytest.fixture
def call_with(kept_crms):
    """Call a route with a token of some scopes. What is there, and what calls change, is all the same here."""
    crm, _ = kept_crms("sqlite", of=__name__)
    accounts = crm.service.accounts
    client = accounts.ensure_client("tests", crm.organisation, int(crm.get("users").json["users"][0]["id"]))

    def call_with(scopes, route):
        return call(Caller(crm.service, accounts.issue(client, scopes).access_token, crm.organisation), route)

    return call_with


@pytest.mark.parametrize("family", FAMILIES)
class TestEveryRoute:
    def test_its_scopes_are_enough(self, call_with, family):
        for route in FAMILIES[family]:
            assert call_with(",".join(needed(route)), route).status != 401, route

    def test_they_are_compared_without_regard_to_case(self, call_with, family):
        for route in FAMILIES[family]:
            assert call_with(",".join(needed(route)).upper(), route).status != 401, route
            assert call_with(",".join(needed(route)).lower(), route).status != 401, route

    def test_all_operations_cover_one(self, call_with, family):
        for route in FAMILIES[family]:
            every = [re.sub(r"[A-Z]+$", "ALL", scope) for scope in needed(route)]
            assert call_with(",".join(every), route).status != 401, route

    def test_none_of_them_may_be_missing(self, call_with, family):
        for route in FAMILIES[family]:
            for missing in needed(route):
                held = [scope for scope in needed(route) if scope != missing] + near_misses(missing)
                answer = call_with(",".join(held), route)
                assert (answer.status, answer.json) == (401, MISMATCH), (route, held)
                assert answer.headers["content-type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize("module", ["Nope", "Home", "leads"])
def test_a_module_nobody_knows_is_told_only_to_those_who_may_read_any(crm, caller_of, module):
    assert caller_of("acme", "ZohoCRM.modules.leads.ALL").get(module, fields="id").json == MISMATCH
    answer = caller_of("acme", "ZohoCRM.modules.READ").get(module, fields="id")
    assert (answer.status, answer.json["code"]) == (400, "INVALID_MODULE")


@pytest.mark.parametrize(
    ("granted", "wanted", "covered"),
    [
        ("ZohoCRM.modules.ALL", "ZohoCRM.modules.leads.READ", True),
        ("ZohoCRM.modules.READ", "ZohoCRM.modules.leads.READ", True),
        ("ZohoCRM.modules.WRITE", "ZohoCRM.modules.leads.CREATE", True),
        ("ZohoCRM.modules.leads.WRITE", "ZohoCRM.modules.leads.UPDATE", True),
        ("ZohoCRM.modules.WRITE", "ZohoCRM.modules.leads.DELETE", False),
        ("ZohoCRM.modules.WRITE", "ZohoCRM.modules.leads.READ", False),
        ("ZohoCRM.modules.leads.READ", "ZohoCRM.modules.READ", False),
        ("ZohoCRM.modules.lead.READ", "ZohoCRM.modules.leads.READ", False),
        ("ZohoCRM.settings.fields.ALL", "ZohoCRM.settings.modules.READ", False),
        ("ZohoCRM.settings.ALL", "ZohoCRM.settings.custom_views.READ", True),
        ("ZohoCRM.send_mail.all.CREATE", "ZohoCRM.send_mail.leads.CREATE", True),
        ("ZohoCRM.send_mail.all.CREATE", "ZohoCRM.modules.leads.CREATE", False),
        ("ZohoCRM.send_mail.leads.CREATE", "ZohoCRM.send_mail.all.CREATE", False),
        ("zohocrm.MODULES.Leads.read", "ZohoCRM.modules.leads.READ", True),
    ],
)
def test_a_scope_covers_what_is_below_it(granted, wanted, covered):
    assert ScopeSet.parse(granted).allows(wanted) is covered


def test_scopes_are_separated_by_commas_or_spaces():
    held = ScopeSet.parse(" ZohoCRM.org.READ,ZohoCRM.users.READ  ZohoCRM.coql.READ ")
    assert str(held) == "ZohoCRM.org.READ ZohoCRM.users.READ ZohoCRM.coql.READ"


@pytest.mark.parametrize(
    "text", ["", "READ", "ZohoCRM.", "ZohoCRM..READ", "a.b.c.d.e", "ZohoCRM.modules.READ;x"]
)
def test_what_is_no_scope_is_named(text):
    with pytest.raises(ValueError, match="is not a scope"):
        ScopeSet.parse(text)


@pytest.mark.parametrize(
    ("module", "group"),
    [
        ("Leads", "leads"),
        ("Sales_Orders", "salesorders"),
        ("Price_Books", "pricebooks"),
        ("Services__s", "services"),
        ("Appointments__s", "appointments"),
        ("Appointments_Rescheduled_History__s", "appointments_rescheduled_history"),
    ],
)
def test_modules_are_called_as_in_the_published_scopes(module, group):
    assert module_group(module, "default") == group


def test_every_custom_module_is_custom():
    assert module_group("Boats", "custom") == "custom"


def test_a_newer_module_is_read_with_the_scope_of_its_name(crm, caller_of):
    assert (
        caller_of("acme", "ZohoCRM.modules.appointments.READ").get("Appointments__s", fields="id").status
        == 204
    )


def test_clients_of_moorage_itself_may_call_everything():
    scopes = ScopeSet.parse(FULL)
    assert [route for route in ROUTES if not all(scopes.allows(scope) for scope in needed(route))] == []
