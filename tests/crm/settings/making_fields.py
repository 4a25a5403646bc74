"""Custom fields through the API: the calls that every test of them makes."""


def field(label, data_type="text", **more):
    return {"field_label": label, "data_type": data_type, **more}


def create(crm, *fields, module="Leads"):
    return crm.call("POST", "settings/fields", {"module": module}, {"fields": list(fields)})


def made(crm, *fields, module="Leads"):
    """The ids of fields that have to be right."""
    answer = create(crm, *fields, module=module)
    assert answer.status == 201, answer.body
    return [outcome["details"]["id"] for outcome in answer.json["fields"]]


def shown(crm, identity, module="Leads"):
    return crm.get(f"settings/fields/{identity}", module=module).json["fields"][0]


def patched(crm, identity, changes, module="Leads"):
    return crm.call("PATCH", f"settings/fields/{identity}", {"module": module}, {"fields": [changes]})


def deleted(crm, identity, module="Leads"):
    return crm.call("DELETE", f"settings/fields/{identity}", {"module": module})


def told(answer):
    """Code and place of each outcome."""
    return [(outcome["code"], outcome["details"].get("json_path")) for outcome in answer.json["fields"]]
