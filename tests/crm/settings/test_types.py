"""Every key of every answer has the type that Zoho's own SDKs give it, in each version they are of."""

import pytest

from tests.crm.settings.types import described, disagreements, known

PLAIN = [
    ("org", {}, "org.ResponseWrapper"),
    ("org/currencies", {}, "currencies.ResponseWrapper"),
    ("users", {}, "users.ResponseWrapper"),
    ("users/actions/count", {}, "users.CountWrapper"),
    ("settings/modules", {}, "modules.ResponseWrapper"),
    ("settings/roles", {}, "roles.ResponseWrapper"),
    ("settings/profiles", {}, "profiles.ResponseWrapper"),
]
OF_A_MODULE = ["fields", "layouts", "related_lists", "custom_views"]


def faults_of(crm, version):
    """All differences between the answers of an organisation and an SDK's types, each only once."""
    faults = {}

    def look(path, wrapper, **params):
        answer = crm.get(f"/crm/{version}/{path}", **params)
        assert answer.status in {200, 204}, (path, answer.body)
        name = known(version, wrapper)
        assert name or version != "v8", wrapper
        if answer.body and name:
            for fault in disagreements(version, name, answer.json):
                faults.setdefault(fault.partition(",")[0], f"{path}: {fault}")
        return answer

    for path, params, wrapper in PLAIN:
        look(path, wrapper, **params)
    for kind in ("users", "roles", "profiles"):
        name = kind if kind == "users" else f"settings/{kind}"
        first = crm.get(name).json[kind][0]["id"]
        look(f"{name}/{first}", f"{kind}.ResponseWrapper")
    for module in crm.get("settings/modules").json["modules"]:
        name = module["api_name"]
        look(f"settings/modules/{name}", "modules.ResponseWrapper")
        for kind in OF_A_MODULE:
            answer = look(f"settings/{kind}", f"{kind}.ResponseWrapper", module=name)
            if answer.body:
                first = answer.json[kind][0]["id"]
                look(f"settings/{kind}/{first}", f"{kind}.ResponseWrapper", module=name)
        if module["api_supported"]:
            records_of(look, name)
    return list(faults.values())


def records_of(look, module):
    listed = look(module, "record.ResponseWrapper", fields="id,Created_Time,Tag", per_page="2")
    look(f"{module}/actions/count", "record.CountWrapper")
    look(f"{module}/deleted", "record.DeletedRecordsWrapper")
    if listed.body:
        look(f"{module}/{listed.data[0]['id']}", "record.ResponseWrapper")


@pytest.mark.parametrize("version", ["v2", "v2.1", "v5", "v6", "v7", "v8"])
def test_every_key_has_the_type_that_zohos_sdk_gives_it(demo, version):
    demo.delete("Leads", ids=demo.get("Leads", fields="id").data[0]["id"])
    assert faults_of(demo, version) == []


def test_outcomes_of_writes_have_their_types(crm):
    answer = crm.post("Leads", {"data": [{"Last_Name": "A"}, {}]})
    for outcome in answer.data:
        wrapper = "record.SuccessResponse" if outcome["status"] == "success" else "record.APIException"
        assert list(disagreements("v8", wrapper, outcome)) == []


def test_a_key_of_another_type_is_named():
    assert described("v8")["layouts.SectionField"]["section_id"]["type"] == "Integer"
    section = {"api_name": "A", "fields": [{"section_id": "7243485000000100288", "api_name": 1}]}
    layouts = {"layouts": [{"id": "1", "sections": [section, {"column_count": 2**31}]}]}
    assert list(disagreements("v8", "layouts.ResponseWrapper", layouts)) == [
        "$.layouts[].sections[].fields[].section_id: Integer, '7243485000000100288'",
        "$.layouts[].sections[].fields[].api_name: String, 1",
        f"$.layouts[].sections[].column_count: Integer, {2**31}",
    ]
