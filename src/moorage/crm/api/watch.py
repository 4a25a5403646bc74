"""Notifications: programs enable channels, through which they hear of changes of records [Z notifications]."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from moorage.crm.api.items import each_outcome, outcomes_answer, specs_of
from moorage.crm.centres import Site
from moorage.crm.events.channels import KIND, Channel, all_channels, channel_of, write_channels
from moorage.crm.events.requests import DAY, ChannelRequest
from moorage.crm.faults import Fault, param_missing
from moorage.crm.metadata.spelling import unknown_module
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import visible
from moorage.crm.records.outcomes import Outcome, failed, succeeded
from moorage.crm.storage.contract.companions import CompanionPage, CompanionsOf
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.call import Call, answer, no_content, then
from moorage.crm.wire.parameters import page_and_size
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST_CHANNELS = 100  # Of an organisation, and in one call.
MOST_STORED = 2 * MOST_CHANNELS  # With those that have expired and were not removed yet.
MAX_BODY = 1024 * 1024
_SUBSCRIBED = "Successfully subscribed for actions-watch of the given module"
_UPDATED = "Successfully updated the subscribe details"
_REMOVED = "Successfully removed the subscribe details"
_UNSUBSCRIBED = "Successfully un-subscribed from actions-watch"


async def enable(call: Call) -> Response:
    """A channel of this user that is there already is made anew."""
    return await _change(call, _Channels.enable, done=201)


async def update(call: Call) -> Response:
    return await _change(call, _Channels.update)


async def change(call: Call) -> Response:
    return await _change(call, _Channels.change)


async def disable(call: Call) -> Response:
    names = [name.strip() for name in call.params.get("channel_ids", "").split(",") if name.strip()]
    if not names:
        raise param_missing("channel_ids")
    if len(names) > MOST_CHANNELS:
        raise Fault(
            400, "LIMIT_EXCEEDED", "limit exceeded", {"limit": MOST_CHANNELS, "param_name": "channel_ids"}
        )

    def job(transaction: Transaction) -> list[Outcome]:
        channels = _Channels(call, transaction)
        outcomes = [outcome for name in dict.fromkeys(names) for outcome in channels.disable(name)]
        channels.write()
        return outcomes

    return outcomes_answer("watch", await call.store.write(job))


def list_channels(call: Call) -> Response | Awaitable[Response]:
    page, size = page_and_size(call.params)
    wanted, module = call.params.get("channel_id"), call.params.get("module")
    if module is not None and module not in call.organisation.catalog.modules:
        raise unknown_module(call.organisation.metadata, module, {"param_name": "module"})

    def show(kept: CompanionPage) -> Response:
        channels = [channel_of(companion) for companion in kept.companions]
        entries = [
            _shown(call, channel, name)
            for channel in channels
            if channel.user == call.caller.user and channel.expiry > call.now
            if wanted in {None, channel.channel_id}
            for name in channel.events
            if module in {None, name}
        ]
        first = (page - 1) * size
        shown = entries[first : first + size]
        if not shown:
            return no_content()
        more = len(entries) > first + size
        info = {"per_page": size, "page": page, "count": len(shown), "more_records": more}
        return answer({"watch": shown, "info": info})

    return then(call.store.companions(CompanionsOf(KIND, owner=0), Window(limit=MOST_STORED)), show)


async def _change(
    call: Call, run: "Callable[[_Channels, ChannelRequest], Outcome]", *, done: int = 200
) -> Response:
    specs = await specs_of(call, "watch", MOST_CHANNELS)
    longest = 7 * DAY if call.rules.channels_live_a_week else DAY

    def job(transaction: Transaction) -> list[Outcome]:
        channels = _Channels(call, transaction)
        catalog, now = call.organisation.catalog, transaction.now
        requests = [ChannelRequest(spec, catalog, now, longest) for spec in specs]
        outcomes = each_outcome(requests, partial(run, channels))
        channels.write()
        return outcomes

    return outcomes_answer("watch", await call.store.write(job), done=done)


class _Channels:
    """The channels of an organisation, of which a caller changes their own. Expired ones go with the next change."""

    def __init__(self, call: Call, transaction: Transaction) -> None:
        self._call = call
        self._transaction = transaction
        stored = all_channels(transaction)
        self._channels = {channel.id: channel for channel in stored if channel.expiry > transaction.now}
        self._removed = [channel.id for channel in stored if channel.id not in self._channels]
        self._written: dict[int, Channel] = {}

    def write(self) -> None:
        write_channels(self._transaction, self._written.values(), self._removed)

    def enable(self, request: ChannelRequest) -> Outcome:
        old = self._find(request.channel_id)
        if old is None and len(self._channels) >= MOST_CHANNELS:
            raise Fault(400, "LIMIT_EXCEEDED", "limit exceeded", {"limit": MOST_CHANNELS})
        caller = self._call.caller
        api_url = Site(self._call.origin, None).base(caller.centre)
        id_ = old.id if old is not None else self._transaction.new_ids(1)[0]
        channel = request.new(id_, caller.user, api_url)
        return self._put(channel, channel.events, _SUBSCRIBED)

    def update(self, request: ChannelRequest) -> Outcome:
        channel = request.replaced(self._require(request.channel_id))
        return self._put(channel, channel.events, _SUBSCRIBED)

    def change(self, request: ChannelRequest) -> Outcome:
        old = self._require(request.channel_id)
        if not request.deletes_events:
            channel = request.changed(old)
            return self._put(channel, channel.events, _UPDATED)
        channel = request.without_events(old)
        if channel.events:
            return self._put(channel, request.events(), _REMOVED)
        self._remove(channel.id)
        return succeeded({"events": self._details(channel, request.events())}, _REMOVED)

    def disable(self, channel_id: str) -> list[Outcome]:
        """One outcome for each module of the channel."""
        channel = self._find(channel_id)
        if channel is None:
            return [failed(not_subscribed(channel_id))]
        self._remove(channel.id)
        outcomes = []
        for module in channel.events:
            details = _resource(self._call, channel, module)
            del details["resource_name"]
            outcomes.append(succeeded({**details, "channel_id": channel_id}, _UNSUBSCRIBED))
        return outcomes

    def _find(self, channel_id: str) -> Channel | None:
        user = self._call.caller.user
        for channel in self._channels.values():
            if channel.channel_id == channel_id and channel.user == user:
                return channel
        return None

    def _require(self, channel_id: str) -> Channel:
        channel = self._find(channel_id)
        if channel is None:
            raise not_subscribed(channel_id)
        return channel

    def _put(self, channel: Channel, modules: Iterable[str], message: str) -> Outcome:
        if channel.returns_values:  # Values are for whoever may read the records.
            for name in channel.events:
                self._call.require("ZohoCRM.modules.{module}.READ", name)
                if (module := self._call.organisation.catalog.modules.get(name)) is not None:
                    visible(self._call, module)
        self._channels[channel.id] = self._written[channel.id] = channel
        return succeeded({"events": self._details(channel, modules)}, message)

    def _remove(self, channel: int) -> None:
        del self._channels[channel]
        self._written.pop(channel, None)
        self._removed.append(channel)

    def _details(self, channel: Channel, modules: Iterable[str]) -> list[dict[str, Any]]:
        zone = self._call.organisation.zone
        details = []
        for module in modules:
            event = {"channel_expiry": zoned(zone, channel.expiry), **_resource(self._call, channel, module)}
            condition = _shown_condition(self._call, channel, module)
            if condition is not None:
                event["notification_condition"] = condition
            details.append({**event, "channel_id": channel.channel_id})
        return details


def not_subscribed(channel_id: str) -> Fault:
    return Fault(400, "NOT_SUBSCRIBED", "the channel is not subscribed", {"channel_id": channel_id})


def _resource(call: Call, channel: Channel, module: str) -> dict[str, Any]:
    known = call.organisation.catalog.modules.get(module)
    return {
        "resource_uri": f"{channel.api_url}/crm/v8/{module}",
        "resource_id": str(known.id) if known is not None else None,
        "resource_name": module,
    }


def _shown(call: Call, channel: Channel, module: str) -> dict[str, Any]:
    """A channel's entry for one of its modules."""
    return {
        "notify_on_related_action": channel.hears_of_related,
        "channel_expiry": zoned(call.organisation.zone, channel.expiry),
        "return_affected_field_values": channel.returns_values,
        **_resource(call, channel, module),
        "notify_url": channel.notify_url,
        "fields": None,
        "notification_condition": _shown_condition(call, channel, module),
        "channel_id": channel.channel_id,
        "events": [f"{module}.{operation}" for operation in channel.events[module]],
        "token": channel.token,
    }


def _shown_condition(call: Call, channel: Channel, module_name: str) -> list[dict[str, Any]] | None:
    condition = channel.conditions.get(module_name)
    module = call.organisation.catalog.modules.get(module_name)
    if condition is None or module is None:
        return None
    fields = [module.fields[name] for name in condition.fields if name in module.fields]
    group = [
        {
            "field": {"api_name": field.api_name, "id": str(field.id)},
            "group_operator": None,
            "group": None,
        }
        for field in fields
    ]
    return [
        {
            "type": "field_selection",
            "module": {"api_name": module_name, "id": str(module.id)},
            "field_selection": {"group_operator": condition.operator, "group": group},
        }
    ]


_PATH, _SCOPE = "/crm/v8/actions/watch", "ZohoCRM.notifications"

ROUTES = (
    Route("POST", _PATH, enable, (f"{_SCOPE}.CREATE",), max_body=MAX_BODY),
    Route("GET", _PATH, list_channels, (f"{_SCOPE}.READ",)),
    Route("PUT", _PATH, update, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
    Route("PATCH", _PATH, change, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
    Route("DELETE", _PATH, disable, (f"{_SCOPE}.DELETE",)),
)
