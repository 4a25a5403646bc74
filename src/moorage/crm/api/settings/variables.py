"""Variables of an organisation, and their one group [Z get-variables], [Z post-variables], [Z variable-groups]."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from moorage.crm.api.items import Item, each_outcome, outcomes_answer, specs_of
from moorage.crm.api.settings.changing import require_customizer
from moorage.crm.api.settings.variable_values import check_value
from moorage.crm.faults import Fault, param_missing
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.ids import ID_SPACE, whole_id
from moorage.crm.query.texts import folded
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.parameters import id_list
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

KIND = "variable"
MOST = 200  # Of an organisation.
MOST_AT_ONCE = 100
LONGEST_NAME, LONGEST_API_NAME, LONGEST_DESCRIPTION = 50, 100, 250
API_NAME = r"[a-zA-Z]+\w*[a-zA-Z0-9]*"
MAX_BODY = 1024 * 1024
_GROUP = 20_009  # The local number of the group's id, which no document has.


class Variables(msgspec.Struct, frozen=True):
    """The variables of an organisation, within a transaction. `group` is the one group there is."""

    transaction: Transaction
    group: Body

    def all(self) -> list[Companion]:
        return self.transaction.companions.of(KIND, [0]).get(0, [])

    def find(self, text: Any) -> Companion | None:
        """By its id or its API name."""
        identity = whole_id(text)
        return next((v for v in self.all() if v.id == identity or v.name == folded(text)), None)

    def create(self, spec: JsonObject) -> Outcome:
        spec.require("name", "api_name", "type", "variable_group")
        known = self.all()
        if len(known) >= MOST:
            raise spec.fault("LIMIT_EXCEEDED", "limit exceeded", "name", limit=MOST)
        api_name = spec.text("api_name", LONGEST_API_NAME) or ""
        if not _is_api_name(api_name):
            raise spec.invalid("api_name", regex=API_NAME)
        body = {
            "api_name": api_name,
            "name": None,
            "description": None,
            "type": spec.raw("type"),
            "value": None,
        }
        body = self._changed(spec, body, known, None)
        if any(other.name == folded(api_name) for other in known):
            raise spec.fault("DUPLICATE_DATA", "duplicate data", "api_name")
        [identity] = self.transaction.new_ids(1)
        self.transaction.companions.put([Companion(identity, KIND, 0, folded(api_name), body)])
        return succeeded({"id": str(identity)}, "variable added")

    def update(self, variable: Companion | None, place: Body, spec: JsonObject) -> Outcome:
        if variable is None:
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", place)
        body = self._changed(spec, variable.body, self.all(), variable)
        self.transaction.companions.put([Companion(variable.id, KIND, 0, variable.name, body)])
        return succeeded({"id": str(variable.id)}, "variable updated")

    def delete(self, identity: int, place: Body) -> Outcome:
        if not any(variable.id == identity for variable in self.all()):
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", place)
        self.transaction.companions.remove([identity])
        return succeeded({"id": str(identity)}, "variable deleted")

    def _changed(
        self, spec: JsonObject, body: Body, known: Sequence[Companion], variable: Companion | None
    ) -> Body:
        body = dict(body)
        if "name" in spec:
            body["name"] = spec.text("name", LONGEST_NAME)
        if not body["name"]:
            raise spec.missing("name")
        others = [other for other in known if variable is None or other.id != variable.id]
        if any(folded(other.body["name"]) == folded(body["name"]) for other in others):
            raise spec.fault("DUPLICATE_DATA", "duplicate data", "name")
        if spec.has_member("description"):
            body["description"] = spec.text("description", LONGEST_DESCRIPTION)
        self._check_group(spec)
        if spec.has_member("value") or variable is None:
            body["value"] = check_value(spec, body["type"])
        return body

    def _check_group(self, spec: JsonObject) -> None:
        group = spec.inner("variable_group")
        if group is None:
            return
        names = ("id", "api_name")
        if not any(name in group for name in names):
            places = [group.place(name) for name in names]
            raise Fault(
                400, "EXPECTED_FIELD_MISSING", "Specify atleast one field", {"expected_fields": places}
            )
        for name in names:
            if name in group and str(group.raw(name)) != self.group[name]:
                raise group.invalid(name)


async def list_variables(call: Call) -> Response:
    group = call.params.get("group")
    variables = await _variables(call)
    if not variables or (group is not None and not _is_group(call, group)):
        return no_content()
    return answer({"variables": [_shown(call, variable) for variable in variables]})


async def get_variable(call: Call) -> Response:
    group = call.params.get("group")
    if not group:
        raise param_missing("group")
    wanted, identity = folded(call.path["id"]), whole_id(call.path["id"])
    variables = await _variables(call) if _is_group(call, group) else []
    shown = [_shown(call, each) for each in variables if each.id == identity or each.name == wanted]
    return answer({"variables": shown}) if shown else no_content()


async def create_variables(call: Call) -> Response:
    specs = await _specs(call)
    return await _change_each(call, specs, lambda variables, spec: variables.create(spec), done=201)


async def update_variables(call: Call) -> Response:
    specs = await _specs(call)

    def update(variables: Variables, spec: JsonObject) -> Outcome:
        spec.require("id")
        place = spec.place("id")
        return variables.update(variables.find(str(spec.raw("id"))), place, spec)

    return await _change_each(call, specs, update)


async def update_variable(call: Call) -> Response:
    named, place = call.path["id"], {"resource_path_index": 2}
    specs = await _specs(call, most=1)
    return await _change_each(
        call, specs, lambda variables, spec: variables.update(variables.find(named), place, spec)
    )


async def delete_variables(call: Call) -> Response:
    require_customizer(call)
    ids = id_list(call.params, "ids")
    return await _change_each(call, ids, lambda variables, each: variables.delete(each, {"id": str(each)}))


async def delete_variable(call: Call) -> Response:
    require_customizer(call)
    ids, place = [whole_id(call.path["id"]) or 0], {"resource_path_index": 2}
    return await _change_each(call, ids, lambda variables, each: variables.delete(each, place))


def list_groups(call: Call) -> Response:
    return answer({"variable_groups": [_group(call)]})


def get_group(call: Call) -> Response:
    return answer({"variable_groups": [_group(call)]}) if _is_group(call, call.path["id"]) else no_content()


async def _variables(call: Call) -> Sequence[Companion]:
    found = call.store.companions(CompanionsOf(KIND, owner=0), Window(MOST))
    page = await settled(found)
    return page.companions


async def _specs(call: Call, most: int = MOST_AT_ONCE) -> list[JsonObject]:
    require_customizer(call)
    return await specs_of(call, "variables", most)


async def _change_each(
    call: Call, items: Sequence[Item], change: Callable[[Variables, Item], Outcome], *, done: int = 200
) -> Response:
    """Each succeeds or fails alone, in one transaction."""

    def job(transaction: Transaction) -> list[Outcome]:
        return each_outcome(items, partial(change, Variables(transaction, _group(call))))

    return outcomes_answer("variables", await call.store.write(job), done=done)


def _is_api_name(text: str) -> bool:
    return text[:1].isalpha() and text.isascii() and text.replace("_", "a").isalnum()


def _group(call: Call) -> Body:
    return {
        "id": str(call.organisation.prefix * ID_SPACE + _GROUP),
        "api_name": "General",
        "name": "General",
        "display_label": "General",
        "description": None,
        "source": "crm",
    }


def _is_group(call: Call, text: str) -> bool:
    group = _group(call)
    return text in {group["id"], group["api_name"]}


def _shown(call: Call, variable: Companion) -> Body:
    group = {name: _group(call)[name] for name in ("id", "api_name", "name")}
    more = {"id": str(variable.id), "source": "crm", "read_only": False, "variable_group": group}
    return {**variable.body, **more}


def _scopes(operation: str, group: str = "variables") -> tuple[str, ...]:
    return (f"ZohoCRM.settings.{group}.{operation}",)


_ALL, _ONE = "/crm/v8/settings/variables", "/crm/v8/settings/variables/{id}"
_GROUPS = "/crm/v8/settings/variable_groups"

ROUTES = (
    Route("GET", _ALL, list_variables, _scopes("READ")),
    Route("POST", _ALL, create_variables, _scopes("CREATE"), max_body=MAX_BODY),
    Route("PUT", _ALL, update_variables, _scopes("UPDATE"), max_body=MAX_BODY),
    Route("DELETE", _ALL, delete_variables, _scopes("DELETE")),
    Route("GET", _ONE, get_variable, _scopes("READ")),
    Route("PUT", _ONE, update_variable, _scopes("UPDATE"), max_body=MAX_BODY),
    Route("DELETE", _ONE, delete_variable, _scopes("DELETE")),
    Route("GET", _GROUPS, list_groups, _scopes("READ", "variable_groups")),
    Route("GET", f"{_GROUPS}/{{id}}", get_group, _scopes("READ", "variable_groups")),
)
