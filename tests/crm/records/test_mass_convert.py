"""Many leads become contacts, one after the other, and none keeps the others from it."""

import pytest


@pytest.fixture
def work(crm):
    def run(job):
        async def main():
            await crm.service.wrapped.bulk_jobs.run(crm.organisation, int(job))

        crm.service._run(main())

    return run


def test_each_lead_is_converted_or_counted(crm, work):
    crm.insert("Contacts", {"Last_Name": "Twin", "Email": "twin@acme.example"})
    one, twin, done, two = crm.insert(
        "Leads",
        {"Last_Name": "One", "Tag": [{"name": "Hot"}]},
        {"Last_Name": "Twin", "Email": "twin@acme.example", "Company": "Acme"},
        {"Last_Name": "Done"},
        {"Last_Name": "Two"},
    )
    crm.post(f"Leads/{done}/actions/convert", {"data": [{}]})
    body = {"ids": [one, twin, done, "12", two], "carry_over_tags": [{"api_name": "Contacts"}]}
    answer = crm.post("Leads/actions/mass_convert", body)
    assert (answer.status, answer.data[0]["code"]) == (202, "SCHEDULED")
    job = answer.data[0]["details"]["job_id"]
    work(job)
    assert crm.get("Leads/actions/mass_convert", job_id=job).data == [
        {
            "Status": "COMPLETED",
            "Failed_Count": 1,
            "Not_Converted_Count": 2,
            "Converted_Count": 2,
            "Total_Count": 5,
        }
    ]
    assert [lead["id"] for lead in crm.get("Leads", fields="id").data] == [twin]
    assert crm.get("Accounts", fields="id").status == 204  # Nothing is left of what was tried.
    contact = crm.only(f"Leads/{one}")["Converted_Contact"]["id"]
    assert [tag["name"] for tag in crm.only(f"Contacts/{contact}")["Tag"]] == ["Hot"]


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        ({"ids": ["1"] * 51}, "INVALID_DATA", "$.ids"),
        ({"ids": ["1"], "assign_to": {"id": "12"}}, "INVALID_DATA", "$.assign_to.id"),
        ({"ids": ["1"], "carry_over_tags": [{"api_name": "Leads"}]}, "INVALID_DATA", "$.carry_over_tags[0].api_name"),
        ({"ids": ["1"], "portal_user_type": {"id": "1"}}, "NOT_SUPPORTED", "$.portal_user_type"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(kept_crm, body, code, place):
    answer = kept_crm.post("Leads/actions/mass_convert", body)
    assert (answer.status, answer.json["code"], answer.json["details"]["json_path"]) == (400, code, place)
