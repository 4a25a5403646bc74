"""Channels: each names events of modules, and an address that is told of them until the channel expires.

A channel is a companion of the organisation. Its events wait in the outbox in a line of their own.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.records import Transaction

KIND = "channel"
OPERATIONS = ("create", "edit", "delete")
_LINE = "channel "


class Condition(Struct, frozen=True):
    """An edit counts only if one of the fields has changed (`or`), or all of them (`and`)."""

    operator: str
    fields: list[str]

    def is_met(self, changed: Iterable[str]) -> bool:
        matches = [field in set(changed) for field in self.fields]
        return any(matches) if self.operator == "or" else all(matches)


class Channel(Struct, frozen=True):
    """`id` is that of its companion, and `channel_id` the one that its user has chosen. `expiry` is in seconds.

    `events` and `conditions` are by API names of modules. `api_url` is the base URL of the API, as its user reaches it.
    """

    id: int
    user: int
    channel_id: str
    notify_url: str
    expiry: int
    events: dict[str, list[str]]
    api_url: str = ""
    token: str | None = None
    returns_values: bool = False
    hears_of_related: bool = True
    conditions: dict[str, Condition] = {}

    @property
    def line(self) -> str:
        """The kind of its events in the outbox."""
        return f"{_LINE}{self.id}"

    def wants(self, module: str, operation: str) -> bool:
        return operation in self.events.get(module, ())


def of_line(line: str) -> int:
    """The id of the channel whose events have this kind."""
    return int(line.removeprefix(_LINE))


def channel_of(companion: Companion) -> Channel:
    return msgspec.convert(companion.body, Channel)


def all_channels(transaction: Transaction) -> list[Channel]:
    """Of all users, the oldest first, expired ones included."""
    return [channel_of(companion) for companion in transaction.companions.of(KIND, [0]).get(0, ())]


def write_channels(transaction: Transaction, channels: Iterable[Channel], removed: Iterable[int]) -> None:
    """Write new and changed channels, remove others, and say until when somebody wants to hear of changes."""
    bodies = [(channel.id, msgspec.to_builtins(channel)) for channel in channels]
    transaction.companions.put([Companion(channel, KIND, body=body) for channel, body in bodies])
    transaction.companions.remove(removed)
    transaction.watch(max((channel.expiry for channel in all_channels(transaction)), default=0))
