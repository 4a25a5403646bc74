"""Composite requests as tests make them."""


def part(method, path, body=None, name=None, **more):
    uri = path if path.startswith("/") else f"/crm/v8/{path}"
    found = {"sub_request_id": name, "method": method, "uri": uri, "body": body, **more}
    return {key: value for key, value in found.items() if value is not None}


def insert(name, module="Leads", field="Last_Name", part_id=None, **values):
    return part("POST", module, {"data": [{field: name, **values}]}, part_id)


def call(caller, *parts, path="/crm/v8/__composite_requests", **modes):
    answer = caller.call("POST", path, {}, {"__composite_requests": list(parts), **modes})
    return answer.status, answer.json.get("__composite_requests", answer.json)
