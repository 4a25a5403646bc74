"""What a request says of a channel, checked against the organisation [Z notifications]."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from moorage.crm.events.channels import OPERATIONS, Channel, Condition
from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import instant

MOST_EVENTS = 200
MOST_FIELDS = 10  # Of a condition.
LONGEST_TOKEN = 50
LONGEST_URL = 2000
HOUR, DAY = 3600, 86_400

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ChannelRequest:
    """The members of one channel in a body. `longest` is how many seconds a channel may live."""

    def __init__(self, spec: JsonObject, catalog: Catalog, now: int, longest: int) -> None:
        self._spec = spec
        self._catalog = catalog
        self._now = now
        self._longest = longest

    @property
    def channel_id(self) -> str:
        number = whole_id(self._required("channel_id"))
        if number is None:
            raise self._spec.invalid("channel_id", expected_data_type="bigint")
        return str(number)

    def new(self, id_: int, user: int, api_url: str) -> Channel:
        expiry = self._expiry() or self._now + HOUR
        channel = Channel(
            id_, user, self.channel_id, self._notify_url(), expiry, self.events(), api_url=api_url
        )
        return self._with_options(channel)

    def replaced(self, old: Channel) -> Channel:
        """The channel as the request describes it. Only the address may be left out."""
        url = self._notify_url() if "notify_url" in self._spec else old.notify_url
        expiry = self._expiry() or self._now + HOUR
        channel = Channel(old.id, old.user, old.channel_id, url, expiry, self.events(), api_url=old.api_url)
        return self._with_options(channel)

    def changed(self, old: Channel) -> Channel:
        """The channel with what the request names; its events come in addition."""
        channel = replace(old, events={**old.events})
        if "notify_url" in self._spec:
            channel = replace(channel, notify_url=self._notify_url())
        if (expiry := self._expiry()) is not None:
            channel = replace(channel, expiry=expiry)
        if "events" in self._spec:
            for module, operations in self.events().items():
                both = {*operations, *old.events.get(module, ())}
                channel.events[module] = [name for name in OPERATIONS if name in both]
        return self._with_options(channel)

    @property
    def deletes_events(self) -> bool:
        return self._spec.boolean("_delete_events")

    def without_events(self, old: Channel) -> Channel:
        """The channel without the events that the request names. Raises the Fault for one that it does not have."""
        events = dict(old.events)
        for module, operations in self.events().items():
            if not set(operations) <= set(old.events.get(module, ())):
                raise self._spec.fault("NOT_SUBSCRIBED", "the channel has no such event", "events")
            events[module] = [name for name in events[module] if name not in operations]
        left = {module: operations for module, operations in events.items() if operations}
        conditions = {module: each for module, each in old.conditions.items() if module in left}
        return replace(old, events=left, conditions=conditions)

    def events(self) -> dict[str, list[str]]:
        """By module, its operations."""
        names = self._required("events")
        if not isinstance(names, list):
            raise self._spec.invalid("events", expected_data_type="jsonarray")
        if len(names) > MOST_EVENTS:
            raise self._spec.invalid("events", maximum_length=MOST_EVENTS)
        if not names:
            raise self._spec.missing("events")
        wanted: dict[str, set[str]] = {}
        for index, name in enumerate(names):
            module, operation = self._event(name, f"{self._spec.path}.events[{index}]")
            wanted.setdefault(module, set()).update(OPERATIONS if operation == "all" else (operation,))
        return {module: [name for name in OPERATIONS if name in wanted[module]] for module in wanted}

    def _event(self, name: Any, path: str) -> tuple[str, str]:
        place = {"api_name": "events", "json_path": path}
        if not isinstance(name, str):
            raise Fault(400, "INVALID_DATA", "invalid data", {"expected_data_type": "text", **place})
        module_name, _, operation = name.rpartition(".")
        module = self._catalog.modules.get(module_name)
        if module is None or not can_be_watched(module) or operation not in (*OPERATIONS, "all"):
            raise Fault(400, "INVALID_DATA", "invalid data", place)
        return module_name, operation

    def _required(self, name: str) -> Any:
        self._spec.require(name)
        return self._spec.raw(name)

    def _notify_url(self) -> str:
        self._required("notify_url")
        url = self._spec.text("notify_url", LONGEST_URL) or ""
        if _CONTROL.search(url) or not _is_http(url):
            raise self._spec.invalid("notify_url")
        return url

    def _expiry(self) -> int | None:
        """Later than allowed counts as an hour from now, as Zoho has it."""
        if "channel_expiry" not in self._spec:
            return None
        text = self._spec.raw("channel_expiry")
        expiry = instant(text) if isinstance(text, str) else None
        if expiry is None:
            raise self._spec.invalid("channel_expiry", expected_data_type="datetime")
        if expiry <= self._now:
            raise self._spec.invalid("channel_expiry")
        return expiry if expiry <= self._now + self._longest else self._now + HOUR

    def _with_options(self, channel: Channel) -> Channel:
        spec = self._spec
        if spec.has_member("token"):
            channel = replace(channel, token=spec.text("token", LONGEST_TOKEN))
        if "return_affected_field_values" in spec:
            channel = replace(channel, returns_values=spec.boolean("return_affected_field_values"))
        if "notify_on_related_action" in spec:
            channel = replace(channel, hears_of_related=spec.boolean("notify_on_related_action"))
        if spec.has_member("notification_condition"):
            channel = replace(channel, conditions=_conditions(spec, self._catalog, channel.events))
        return channel


def can_be_watched(module: Module) -> bool:
    """Rows and links only change with the records that they belong to."""
    return bool(module.flags.get("creatable")) and module.parent_field is None


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


# Conditions


def _conditions(spec: JsonObject, catalog: Catalog, events: dict[str, list[str]]) -> dict[str, Condition]:
    conditions = {}
    for each in spec.items("notification_condition", MOST_EVENTS):
        kind = each.text("type", 100)
        if kind is None:
            raise each.missing("type")
        if kind != "field_selection":
            raise each.invalid("type", supported_values=["field_selection"])
        module = _named(each, "module", catalog.modules.get, catalog.modules.values())
        if module.api_name not in events:
            raise each.invalid("module")
        conditions[module.api_name] = _condition(each, module)
    return conditions


def _condition(spec: JsonObject, module: Module) -> Condition:
    selection = spec.inner("field_selection")
    if selection is None:
        raise spec.missing("field_selection")
    if "field" in selection and "group" in selection:
        both = [selection.place(name) for name in ("field", "group")]
        code = "AMBIGUITY_DURING_PROCESSING"
        raise Fault(400, code, code, {"ambiguity_due_to": both})
    if "field" in selection:
        return Condition("or", [_field(selection, module)])
    group = selection.items("group", MOST_FIELDS)
    if not group:
        places = [selection.place(name) for name in ("field", "group")]
        raise Fault(400, "EXPECTED_FIELD_MISSING", "Specify atleast one field", {"expected_fields": places})
    if "group_operator" not in selection:
        code, dependee = "DEPENDENT_FIELD_MISSING", selection.place("group")
        raise selection.fault(code, code, "group_operator", dependee=dependee)
    operator = selection.raw("group_operator")
    if operator not in ("or", "and"):
        raise selection.invalid("group_operator", supported_values=["or", "and"])
    return Condition(operator, list(dict.fromkeys(_field(item, module) for item in group)))


def _field(spec: JsonObject, module: Module) -> str:
    return str(_named(spec, "field", module.fields.get, module.fields.values()).api_name)


def _named(spec: JsonObject, name: str, get: Callable[[str], Any], everything: Any) -> Any:
    """What a member names by its API name or its id, each of which is enough."""
    member = spec.inner(name)
    if member is None:
        raise spec.missing(name)
    if "api_name" in member:
        text = member.raw("api_name")
        thing = get(text) if isinstance(text, str) else None
        if thing is None:
            raise member.invalid("api_name")
        return thing
    if "id" in member:
        identity = whole_id(member.raw("id"))
        for thing in everything:
            if thing.id == identity:
                return thing
        raise member.invalid("id")
    places = [member.place(key) for key in ("api_name", "id")]
    raise Fault(400, "EXPECTED_FIELD_MISSING", "Specify atleast one field", {"expected_fields": places})
