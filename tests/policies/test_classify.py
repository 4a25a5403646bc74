"""What calls do: by the table of Zoho CRM, by their method, and by their bodies."""

import gzip
import json

import pytest

from moorage.oauth.apps.providers import Providers
from moorage.policies import Classifier

PROVIDERS = Providers()
SHIPPED = Classifier({app: PROVIDERS.get(app).operations for app in PROVIDERS.names})
LEAD = "/crm/v8/Leads/3652397000000649013"


def classed(call, body=None, *, app="zoho-crm", headers=(), overrides=None):
    method, _, target = call.partition(" ")
    path, _, query = target.encode().partition(b"?")
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    classifier = Classifier({app: overrides or {}})
    return classifier.classify(app, method, path, query, sent, headers=headers)


def composite(*calls):
    return {"__composite_requests": [{"method": m, "uri": u, **more} for m, u, more in calls]}


@pytest.mark.parametrize(
    ("call", "kind", "name", "module"),
    [
        ("GET /crm/v8/Leads", "read", "GET /crm/v8/{module}", "Leads"),
        ("HEAD /crm/v8/Leads", "read", "GET /crm/v8/{module}", "Leads"),
        ("GET /crm/v2.1/Leads", "read", "GET /crm/v8/{module}", "Leads"),
        ("GET /dc/eu/crm/v3/Leads", "read", "GET /crm/v8/{module}", "Leads"),
        ("POST /crm/v8/coql", "read", "POST /crm/v8/coql", None),
        ("POST /crm/bulk/v8/read", "read", "POST /crm/bulk/v8/read", None),
        ("POST /crm/bulk/v5/write", "write", "POST /crm/bulk/v8/write", None),
        ("PUT /crm/v8/Leads", "write", "PUT /crm/v8/{module}", "Leads"),
        ("GET /crm/v8/Notes", "read", "GET /crm/v8/{module}", "Notes"),
        ("PUT /crm/v8/Contacts/roles", "write", "PUT /crm/v8/Contacts/roles", "Contacts"),
        (f"DELETE {LEAD}", "destructive", "DELETE /crm/v8/{module}/{id}", "Leads"),
        (f"POST {LEAD}/actions/convert", "destructive", "POST /crm/v8/{module}/{id}/actions/convert", "Leads"),
        ("POST /crm/v8/Leads/actions/mass_delete", "destructive", "POST /crm/v8/{module}/actions/mass_delete", "Leads"),
        ("POST /crm/v8/Leads/actions/mass_update", "write", "POST /crm/v8/{module}/actions/mass_update", "Leads"),
        ("GET /crm/v8/functions/clean/actions/execute", "write", "GET", None),
        ("GET /crm/v8/Leads/actions/unheard_of", "write", "GET", None),
        ("DELETE /crm/v8/unheard/of", "destructive", "DELETE", None),
        ("POST /crm/v8/unheard/of/purge_all", "destructive", "POST", None),
        ("POST /crm/area/v8/Leads/1/actions/convert", "destructive", "POST", None),
        ("PATCH /crm/v8/unheard/of", "write", "PATCH", None),
        ("PROPFIND /crm/v8/Leads", "destructive", "PROPFIND", None),
    ],
)  # fmt: skip
def test_an_operation_of_zoho_crm(call, kind, name, module):
    operation = classed(call, b"")
    assert (operation.kind, operation.name, operation.module) == (kind, name, module)


@pytest.mark.parametrize(
    ("call", "body", "kind"),
    [
        ("GET /v1/anything", None, "read"),
        ("POST /v1/anything", b"", "write"),
        ("POST /v1/anything", {"name": "Acme"}, "write"),
        ("POST /v1/anything", {"_method": "DELETE"}, "destructive"),
        ("POST /v1/anything", b"a=b&_method=delete", "destructive"),
        ("POST /v1/anything", b'--x\r\nContent-Disposition: form-data; name="_method"\r\n\r\nDELETE', "destructive"),
        ("POST /v1/anything", b"--x\r\nContent-Disposition: form-data; name*=utf-8''%5fmethod\r\n\r\n", "destructive"),
        ("POST /v1/anything", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\n\xff\0", "write"),
        ("POST /v1/anything", b'{"a": "&_method=DELETE&"}', "destructive"),
        ("POST /v1/anything", gzip.compress(b"_method=DELETE", mtime=0), "destructive"),
        ("POST /v1/anything", "_method=DELETE".encode("utf-16-le"), "destructive"),
        ("POST /v1/anything", None, "destructive"),
        ("PUT /v1/anything", None, "write"),
        ("DELETE /v1/anything", None, "destructive"),
        ("POST /v1/contacts/batch/archive", b"", "destructive"),
        ("POST /v1/search", b"", "read"),
        ("POST /v1/search", {"query": "a"}, "read"),
        ("POST /v1/search", None, "destructive"),
        ("POST /v1/search", b"a=b&_method=delete", "destructive"),
        ("POST /v1/lists/7/search", {"_method": "DELETE"}, "destructive"),
        ("POST /api/chat.delete", {"ts": "1"}, "destructive"),
        ("GET /api/chat.delete", None, "destructive"),
        ("GET /api/users.list", None, "read"),
    ],
)  # fmt: skip
def test_an_app_without_a_table_is_classed_by_method_and_by_its_file(call, body, kind):
    overrides = {
        "POST /v1/search": "read", "POST /v1/lists/{id}/search": "read", "* /api/*.delete": "destructive",
    }  # fmt: skip
    assert classed(call, body, app="acme", overrides=overrides).kind == kind


@pytest.mark.parametrize(
    ("calls", "kind", "records"),
    [
        ([("GET", "/crm/v8/Leads", {})], "read", 0),
        ([("get", "/crm/v8/Leads", {}), ("POST", "/crm/v8/Leads", {"body": {"data": [{}]}})], "write", 1),
        ([("POST", "/crm/v8/coql", {"body": {"select_query": "select id from Leads"}})], "read", 0),
        ([("delete", LEAD, {})], "destructive", 1),
        ([("POST", "/crm/v8/Leads/actions/mass_delete", {"body": {"ids": ["1", "2"]}})], "destructive", 2),
        ([("POST", "/crm/v8/Leads/@{a:$.data[0].x}", {})], "destructive", 1),
        ([("POST", "/crm/v8/Leads", {"body": {"data": "@{a:$.data}"}})], "write", 100),
        ([("GET", "/crm/v8/Leads/@{a:$.data[0].id}", {})], "read", 0),
        ([("GET", "/crm/v8/Leads", {"params": {"_method": "DELETE"}})], "destructive", 100),
        ([("POST", "https://zoho.test/crm/v8/Leads/1/actions/convert", {})], "destructive", 100),
        ([("POST", "crm/v8/Leads", {"body": {"data": [{}]}})], "destructive", 100),
        ([("GET", "/crm/v8/Leads", {"headers": {"X-HTTP-Method-Override": "DELETE"}})], "destructive", 100),
        ([("POST", "/crm/v8/__composite_requests", {"body": composite(("DELETE", LEAD, {}))})], "destructive", 1),
        ([("POST", "/crm/v8/__composite_requests", {"body": composite(("GET", LEAD, {}))})], "read", 0),
    ],
)  # fmt: skip
def test_a_composite_request_does_what_its_calls_do(calls, kind, records):
    operation = classed("POST /crm/v8/__composite_requests", composite(*calls))
    assert (operation.kind, operation.records) == (kind, records)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[", b"\xff", b"[" * 100_000, b'{"__composite_requests": 1}', b'{"__composite_requests": [1]}',
        b'{"__composite_requests": [], "__composite_requests": [{"method": "DELETE", "uri": "/crm/v8/Leads/1"}]}',
        b'{"__composite_requests": [{"method": "GET", "method": "DELETE", "uri": "/crm/v8/Leads/1"}]}',
        b'{"__composite_requests": [{"method": "GET", "uri": "\\ud800"}]}',
        '{"__composite_requests": []}'.encode("utf-16"),
    ],
)  # fmt: skip
def test_a_composite_request_that_can_not_be_read_is_destructive(body):
    assert classed("POST /crm/v8/__composite_requests", body).kind != "read"


@pytest.mark.parametrize(
    ("call", "body", "modules", "records"),
    [
        ("POST /crm/v8/Leads", {"data": [{}, {}]}, ("Leads",), 2),
        ("POST /crm/v8/Leads", b'{"data": [], "data": [{}]}', ("Leads",), 100),
        ("PUT /crm/v8/Leads", None, ("Leads",), 100),
        ("DELETE /crm/v8/Leads?ids=1,2%2C3", None, ("Leads",), 3),
        ("DELETE /crm/v8/Leads?ids=1&ids=2", None, ("Leads",), 2),
        (f"POST {LEAD}/Attachments", b"--x\r\nbytes", ("Leads",), 1),
        (f"POST {LEAD}/actions/convert", {"data": [{}]}, ("Accounts", "Contacts", "Deals", "Leads"), 1),
        ("POST /crm/v8/Leads/actions/mass_update", {"data": [{}], "cvid": "1"}, ("Leads",), 50_000),
        ("POST /crm/v8/Leads/actions/mass_update", {"data": [{}], "ids": ["1", "2"]}, ("Leads",), 2),
        ("POST /crm/v8/Leads/actions/mass_change_owner", {"ids": ["1"], "owner": {}}, ("Leads",), 50_000),
        ("POST /crm/v8/settings/recycle_bin/actions/empty", {"ids": ["1"]}, ("*",), 50_000),
        ("POST /crm/v8/settings/recycle_bin/actions/restore", {"filters": {}, "ids": ["1"]}, ("*",), 50_000),
        ("DELETE /crm/v8/settings/recycle_bin?filters={}&ids=1", None, ("*",), 50_000),
        ("DELETE /crm/v8/settings/recycle_bin?ids=1,2", None, ("*",), 2),
        ("POST /crm/v8/users/actions/transfer_and_delete", {"users": [{}]}, ("*",), 50_000),
        ("POST /crm/v8/coql", {"select_query": "select id from Leads where x in (select id from Deals)"},
         ("Deals", "Leads"), 0),
        ("POST /crm/v8/coql", {"select_query": "select Account_Name.Name from Leads"}, ("*",), 0),
        ("POST /crm/v8/coql", None, ("*",), 0),
        ("POST /crm/v8/coql", {"select_query": "select id from Leads where x in (select id from/**/Deals)"}, ("*",), 0),
        ("POST /crm/bulk/v8/read", {"query": {"module": {"api_name": "Leads"}, "fields": ["Owner.email"]}}, ("*",), 0),
        ("POST /crm/bulk/v8/read", {"query": {"module": {"api_name": "Leads"}}}, ("Leads",), 0),
        ("POST /crm/bulk/v8/write", {"resource": [{"module": {"api_name": "Leads"}}]}, ("Leads",), 25_000),
        ("GET /crm/v8/Accounts/1/Deals", None, ("Accounts", "Deals"), 0),
        ("GET /crm/v8/Accounts/1/Own_List", None, ("*", "Accounts"), 0),
        ("GET /crm/v8/settings/fields?module=Deals", None, ("Deals",), 0),
        ("GET /crm/bulk/v8/read/1/result", None, ("*",), 0),
        ("GET /crm/v3/bulk/read/1/result", None, ("*",), 0),
        ("GET /crm/bulk/v8/backup/1/all.zip", None, ("*",), 0),
        ("POST /crm/v8/actions/watch", {"watch": [{"events": ["Deals.all"]}]}, ("*",), 1),
        ("POST /crm/v8/settings/tags/1/actions/merge", {"tags": [{}]}, ("*",), 1),
        ("GET /crm/v8/files?id=a", None, ("*",), 0),
        ("POST /crm/v8/files", b"--x", (), 1),
    ],
)  # fmt: skip
def test_the_modules_and_the_number_of_records(call, body, modules, records):
    operation = classed(call, body)
    assert (operation.modules, operation.records) == (modules, records)


@pytest.mark.parametrize(
    "path",
    [
        "/crm/v8/Leads/actions/mass_delete/", "/crm/v8/Leads/actions//mass_delete",
        "/crm/v8/Leads/./actions/mass_delete",
        "/crm/v8/leads/ACTIONS/Mass_Delete", "/CRM/V8/Leads/actions/mass_delete",
        "/crm/v2.1/Leads/actions/mass_delete",
        "/crm/v8/Leads/actions/mass%5Fdelete", "/crm/v8/Leads/actions/mass%255Fdelete",
        "/crm/v8/Leads/actions%2Fmass_delete",
        "/crm/v8/Leads/actions%252fmass_delete", "/crm/v8/Leads/actions/mass_delete;x=y",
        "/crm/v8/Leads;a/actions;b/mass_delete",
        "/crm/v8/Leads/actions/mass_delete%20", "/crm/v8/Leads/actions/mass_delete%00",
        "/crm/v8/Leads/actions/mass_%E2%80%8Bdelete",
        "/crm/v8/Leads/actions/%EF%BD%8Dass_delete", "/crm/v8/Leads/actions%5Cmass_delete",
        "/dc/eu/crm/v8/Leads/actions/mass_delete",
        "/crm/v8/Leads/actions/x/../mass_delete", "/crm/v8/Leads/actions/mass_delete.json",
        "/crm/v99/Leads/actions/mass_delete",
        "/crm/v8/Leads/actions/mass%u005Fdelete", "/crm/v8/Leads/actions/mass" + "%25" * 9 + "5Fdelete",
    ],
)  # fmt: skip
def test_no_spelling_of_a_path_makes_a_deletion_less(path):
    assert classed(f"POST {path}", b"").kind == "destructive"


@pytest.mark.parametrize(
    "path",
    ["/crm/v8/COQL", "/crm/v8%2Fcoql", "/crm/v8/coql/", "/crm//v8/coql", "/crm/v8/coql;x", "/crm/v8/co%71l/..%2fx"],
)  # fmt: skip
def test_a_spelling_that_only_some_servers_read_as_a_query_does_not_count_as_one(path):
    assert classed(f"POST {path}", b"").kind != "read"


@pytest.mark.parametrize("end", ["%3Fa=b", "%23a", "%253Fa", ";a", "/", "%00", ".json", "?a=%23"])
def test_no_end_of_a_path_makes_a_conversion_less(end):
    assert classed(f"POST {LEAD}/actions/convert{end}", {}).kind == "destructive"


@pytest.mark.parametrize("end", ["#a", "#", "%23a", "?a#b"])
def test_no_fragment_in_a_composite_request_makes_a_conversion_less(end):
    calls = composite(("POST", f"{LEAD}/actions/convert{end}", {"body": {}}))
    assert classed("POST /crm/v8/__composite_requests", calls).kind == "destructive"


def test_an_encoded_query_that_asks_for_another_method_makes_a_call_destructive():
    for end in ("%3F_method=DELETE", "%3Fa=b%26_method=DELETE", "%253F_method=DELETE", ";_method=DELETE"):
        assert classed(f"GET {LEAD}{end}").kind == "destructive"


@pytest.mark.parametrize(
    "headers", [(b"X-HTTP-Method-Override",), (b"x_http_method",), (b"Accept", b"X-Method")]
)
def test_a_header_that_asks_for_another_method_makes_a_call_destructive(headers):
    assert classed("GET /crm/v8/Leads", headers=headers).kind == "destructive"


@pytest.mark.parametrize(
    "query", ["_method=DELETE", "a=b&_method[]=x", "%5fmethod", "X-HTTP-Method-Override=GET"]
)
def test_a_parameter_that_asks_for_another_method_makes_a_call_destructive(query):
    assert classed(f"GET /crm/v8/Leads?{query}").kind == "destructive"


@pytest.mark.parametrize(
    ("app", "call", "kind"),
    [
        ("slack", "GET /api/chat.postMessage", "write"), ("slack", "GET /api/chat.delete", "destructive"),
        ("slack", "POST /api/conversations.list", "read"), ("slack", "GET /api/Chat.Delete", "destructive"),
        ("notion", "POST /v1/databases/1/query", "read"), ("notion", "POST /v1/pages", "write"),
        ("hubspot", "POST /crm/v3/objects/contacts/search", "read"),
        ("hubspot", "POST /crm/v3/objects/contacts/batch/archive", "destructive"),
        ("salesforce", "POST /services/data/v60.0/composite", "destructive"),
        ("google-mail", "POST /gmail/v1/users/me/messages/send", "destructive"),
        ("google-mail", "GET /gmail/v1/users/me/messages", "read"),
        ("github", "POST /graphql", "destructive"), ("stripe", "POST /v1/refunds", "destructive"),
        ("zoho-bigin", "POST /bigin/v2/coql", "read"), ("zoho-bigin", "DELETE /bigin/v2/Contacts", "destructive"),
    ],
)  # fmt: skip
def test_the_files_of_shipped_apps_say_what_methods_do_not(app, call, kind):
    method, _, path = call.partition(" ")
    assert SHIPPED.classify(app, method, path.encode(), b"", b"").kind == kind


@pytest.mark.parametrize(
    ("body", "formless", "kind"),
    [(None, True, "write"), (None, False, "destructive"), (b"_method=DELETE", False, "destructive")],
)
def test_a_body_that_is_no_form_names_no_other_method(body, formless, kind):
    operation = Classifier().classify("acme", "POST", b"/upload", b"", body, formless=formless)
    assert operation.kind == kind and ("kind" in operation.unsure) == (kind != "write" and body is None)


def test_what_a_file_says_of_a_post_counts_if_its_body_can_be_no_form():
    classifier = Classifier({"acme": {"POST /v1/search": "read"}})
    operation = classifier.classify("acme", "POST", b"/v1/search", formless=True)
    assert (operation.kind, operation.records, operation.opaque) == ("read", 0, False)
