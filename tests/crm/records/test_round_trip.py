"""What is read can be written: back where it was, or as a new record; that is what many clients do."""

import pytest

NEW_WITH_EVERY_WRITE = {"Modified_By", "Modified_Time", "Last_Activity_Time", "Change_Log_Time__s"}
NEW_IN_A_COPY = NEW_WITH_EVERY_WRITE | {"id", "Created_By", "Created_Time", "Closed_Time"}


def modules(crm):
    catalog = crm.service.organisations.open(crm.organisation).catalog
    return [module for module in catalog.modules.values() if module.flags["creatable"]]


def records(crm, module):
    """Some records of a module, whole."""
    answer = crm.get(module.api_name, fields="id", per_page=5)
    return (
        [crm.only(f"{module.api_name}/{outcome['id']}") for outcome in answer.data]
        if answer.status == 200
        else []
    )


@pytest.fixture
def settled(demo, clock):
    """The demo organisation a minute later, when nothing changes by itself any more."""
    clock.advance(60)
    return demo


def without_line_ids(record):
    hidden = {"id", "Parent_Id", "Created_Time", "Modified_Time"}
    return {
        name: [{k: v for k, v in row.items() if k not in hidden} for row in value]
        if "_Items" in name
        else value
        for name, value in record.items()
    }


def test_a_record_sent_back_as_it_was_read_stays_as_it_was(settled):
    seen = 0
    for module in modules(settled):
        for record in records(settled, module):
            answer = settled.put(module.api_name, {"data": [record]})
            assert answer.status == 200, (module.api_name, answer.body)
            after = settled.only(f"{module.api_name}/{record['id']}")
            changed = {name for name in record if record[name] != after[name]}
            assert {name for name in changed if "_Items" not in name} <= NEW_WITH_EVERY_WRITE, module.api_name
            assert without_line_ids({n: record[n] for n in changed if "_Items" in n}) == without_line_ids(
                {n: after[n] for n in changed if "_Items" in n}
            )
            seen += 1
    assert seen > 50


def test_a_record_sent_as_a_new_one_becomes_its_equal(settled):
    for module in modules(settled):
        numbers = {field.api_name for field in module.of_type("autonumber")}
        for record in records(settled, module):
            answer = settled.post(module.api_name, {"data": [record]})
            assert answer.status == 201, (module.api_name, answer.body)
            copy = settled.only(f"{module.api_name}/{answer.data[0]['details']['id']}")
            different = {
                name for name in record if without_line_ids(record)[name] != without_line_ids(copy)[name]
            }
            assert different <= NEW_IN_A_COPY | numbers, module.api_name
