"""The words in which a person is told what a call does: never more harmless than it is."""

import json

import pytest

from moorage.approvals.wording import words_of
from moorage.policies import Classifier

LEAD = "/crm/v8/Leads/1"
COMPOSITE = "/crm/v8/__composite_requests"


def words(method, path, body=b"", app="zoho-crm", query=b""):
    operation = Classifier().classify(app, method, path.encode(), query, body)
    return words_of(operation, path, operation.records)


def of_calls(*calls):
    called = [{"method": method, "uri": uri, "body": body} for method, uri, body in calls]
    return words("POST", COMPOSITE, json.dumps({"__composite_requests": called}).encode())


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("DELETE", LEAD, "delete 1 record in Leads"),
        ("PUT", LEAD, "update 1 record in Leads"),
        ("POST", "/crm/v7/Leads/upsert", "create or update 1 record in Leads"),
        ("POST", f"{LEAD}/actions/send_mail", "send mail in Leads"),
        ("DELETE", f"{LEAD}/actions/share", "undo share in Leads"),
        ("DELETE", f"{LEAD}/Attachments/7", "delete Attachments of a record in Leads"),
        ("DELETE", f"{LEAD}/photo", "delete photo of a record in Leads"),
        ("DELETE", f"{LEAD}/Campaigns/7", "delete Campaigns of a record in Leads"),
        ("PUT", "/crm/v8/settings/modules/Leads", "PUT /crm/v8/settings/modules/Leads (Leads)"),
        ("DELETE", "/crm/v8/Contacts/roles/1", "DELETE /crm/v8/Contacts/roles/1 (Contacts)"),
        (
            "POST",
            "/crm/v8/settings/tags/1/actions/merge",
            "merge, by POST /crm/v8/settings/tags/1/actions/merge",
        ),
        ("DELETE", "/crm/v8/settings/fields/1", "DELETE /crm/v8/settings/fields/1"),
        ("PATCH", f"{LEAD};_method=DELETE", f"PATCH {LEAD};_method=DELETE, which may do anything"),
        ("PATCH", "/crm/v8/a\x00b" + "c" * 300, "PATCH /crm/v8/a?b" + "c" * 183 + "…"),
    ],
)
def test_a_call_is_told_in_words(method, path, said):
    assert words(method, path) == said


def test_a_module_in_the_query_does_not_make_a_call_sound_like_one_about_records():
    for path in ("/crm/v8/users/7/actions/transfer_and_delete", "/crm/v8/settings/recycle_bin/actions/empty"):
        assert words("POST", path, query=b"module=Leads").endswith(f", by POST {path}")
    assert words("DELETE", "/crm/v8/users/7", query=b"module=Leads") == "DELETE /crm/v8/users/7 (Leads)"


def test_a_call_of_an_app_without_a_table_is_told_by_its_path():
    assert words("PATCH", "/v1/contacts/7", app="hubspot") == "PATCH /v1/contacts/7"
    assert words("POST", "/v1/a", b"_method=DELETE", app="hubspot") == "POST /v1/a, which may do anything"


def test_a_composite_request_is_told_by_its_calls_the_worst_first():
    read, created = ("GET", LEAD, None), ("POST", "/crm/v8/Deals", {"data": [{}, {}]})
    deleted = ("DELETE", LEAD, None), ("DELETE", "/crm/v8/Leads/2", None)
    assert (
        of_calls(read, created, *deleted)
        == "delete 1 record in Leads (2 times); create 2 records in Deals; read records in Leads"
    )
    assert of_calls(deleted[0]) == "delete 1 record in Leads"


def test_a_composite_request_that_nobody_can_read_may_do_anything():
    assert words("POST", COMPOSITE, b"\xff") == f"POST {COMPOSITE}, which may do anything"
    found = "/crm/v8/Leads/@{1:$.id}"
    assert of_calls(("GET", LEAD, None), ("DELETE", found, None)).startswith(
        f"DELETE {found}, which may do anything; read records"
    )


def test_a_path_with_two_readings_is_told_by_both():
    said = words("DELETE", "/crm/v8//Leads/1")
    assert "delete 1 record in Leads" in said
    assert " or " in said
