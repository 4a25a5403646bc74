"""What settings/fields says of a field's JSON type is what records of every module show, and what they take."""

import asyncio

import pytest

from moorage.crm.storage.columns import stored

PYTHON = {
    "string": str,
    "integer": int,
    "double": (int, float),
    "boolean": bool,
    "jsonobject": dict,
    "jsonarray": list,
}
STORED = {
    "text": "x",
    "date": "2026-02-06",
    "integer": 3,
    "bigint": 12,
    "real": 1.5,
    "boolean": 1,
    "datetime": 1_770_000_000,
    "list": '["a"]',
    "tags": '[{"name":"a","id":"1","color_code":null}]',
}
JSON = {"jsonarray": '[{"a":1}]', "jsonobject": '{"a":1}'}
SENT = {
    "text": "x",
    "textarea": "x",
    "email": "x@mail.example",
    "phone": "+1 555 0100",
    "website": "https://www.mail.example",
    "date": "2026-02-06",
    "datetime": "2026-02-06T01:10:56-08:00",
    "integer": 3,
    "bigint": "12",
    "double": 1.5,
    "currency": 1.5,
    "percent": 5,
    "boolean": True,
    "RRULE": {"RRULE": "FREQ=DAILY"},
    "ALARM": {"ALARM": "ACTION=EMAIL"},
}


ONLY_ALONE = {"subform", "multiselectlookup", "multiuserlookup"}  # Shown by a record alone, by no list.


@pytest.fixture
def organisation(crm):
    return crm.service.organisations.open(crm.organisation)


@pytest.fixture
def fields(crm, organisation):
    """The fields of every module with records, by module and name, as settings show them."""

    def read(module):
        answer = crm.get("settings/fields", module=module, type="all")
        return {field["api_name"]: field for field in answer.json["fields"]}

    return {module: read(module) for module in organisation.catalog.modules}


@pytest.fixture
def full(organisation, fields):
    """One record of every module with a value in every field, linked among each other; ids by module."""
    modules = organisation.catalog.modules
    user = organisation.metadata.all("user")[0].id

    def row(module, ids):
        row = {"id": ids[module.api_name]}
        for field in stored(module):
            target = (field.lookup_modules or (field.lookup,))[0]
            json_type = fields[module.api_name][field.api_name]["json_type"]
            given = {
                **STORED, "user": user, "lookup": ids.get(target), "json": JSON.get(json_type),
            }  # fmt: skip
            row[field.column] = given[field.storage]
            if field.lookup_modules:
                row[field.module_column] = modules[target].number
        return row

    def fill(transaction):
        ids = dict(zip(modules, transaction.new_ids(len(modules)), strict=True))
        for module in modules.values():
            transaction.insert(module, [row(module, ids)])
        return ids

    async def write():
        return await organisation.store.write(fill)

    return asyncio.run(write())


def disagreements(record, fields):
    """The fields whose value is of another type than their metadata says, or isn't there."""
    return [
        (field["api_name"], field["json_type"], record.get(field["api_name"]))
        for field in fields
        if not agrees(record.get(field["api_name"]), field)
    ]


def agrees(value, field):
    if field["lookup"] and field["lookup"]["module"]["api_name"] == "Scoring_Rules__s":
        return value is None  # A module without records, so there is nothing to point to.
    if isinstance(value, bool):
        return field["json_type"] == "boolean"
    return isinstance(value, PYTHON[field["json_type"]])


def test_a_full_record_of_every_module_has_the_types_its_metadata_says(crm, fields, full):
    for module, known in fields.items():
        record = crm.only(f"{module}/{full[module]}")
        assert disagreements(record, known.values()) == [], module
        others = [key for key in record if key not in known and not key.startswith("$")]
        assert set(others) <= {"Layout"}, module


def test_lists_and_searches_show_the_same_types(crm, fields, full):
    for module, known in fields.items():
        shown = [field for field in known.values() if field["data_type"] not in ONLY_ALONE]
        for start in range(0, len(shown), 50):
            asked = shown[start : start + 50]
            params = {"converted": "both", "fields": ",".join(field["api_name"] for field in asked)}
            assert disagreements(crm.only(module, **params), asked) == [], module
            criteria = f"(id:equals:{full[module]})"
            assert disagreements(crm.only(f"{module}/search", criteria=criteria, **params), asked) == [], (
                module
            )


def test_a_record_takes_what_its_metadata_says(crm, fields, full):
    """As a client would that knows nothing but the metadata: each writable field is sent with its JSON type."""
    for module, known in fields.items():
        (about,) = crm.get(f"settings/modules/{module}").json["modules"]
        if not about["creatable"] or about["generated_type"] == "field_tracker":
            continue  # Rows of subforms and histories are written with what they belong to.
        if module == "Attachments":
            continue  # They are uploaded to records.
        writable = [field for field in known.values() if field["operation_type"]["api_create"]]
        sent = {field["api_name"]: sendable(field, fields, full) for field in writable}
        sent = {name: value for name, value in sent.items() if value is not None}
        answer = crm.post(module, {"data": [sent]})
        assert answer.status == 201, (module, answer.body)
        record = crm.only(f"{module}/{answer.data[0]['details']['id']}")
        assert disagreements(record, [known[name] for name in sent]) == [], module


def sendable(field, fields, full):
    data_type = field["data_type"]
    if field["lookup"] or field["multi_module_lookup"]:
        several = field["multi_module_lookup"].get("modules")
        target = several[0] if several else field["lookup"]["module"]
        return {"id": str(full[target["api_name"]])} if target["api_name"] in full else None
    if field["json_type"] == "jsonobject":
        return SENT.get(data_type, {"id": "7243485000000590001"})
    if field["json_type"] == "jsonarray":
        return array(field, fields, full)
    if choices := [
        option["actual_value"] for option in field["pick_list_values"] if option["actual_value"] != "-None-"
    ]:
        return choices[0]
    return SENT.get(data_type, "x")


def array(field, fields, full):
    if field["api_name"] == "Tag":
        return [{"name": "a"}]
    if field["data_type"] == "multiselectpicklist":
        return [
            option["actual_value"]
            for option in field["pick_list_values"]
            if option["actual_value"] != "-None-"
        ][:1]
    if field["data_type"] == "subform":
        rows = fields[field["associated_module"]["module"]].values()
        writable = (row for row in rows if row["operation_type"]["api_create"])
        return [{row["api_name"]: sendable(row, fields, full) for row in writable}]
    return [{"a": 1}]
