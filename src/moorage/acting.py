"""The actor: who causes the changes that the running task makes. The audit notes it.

The edge of a server or of a command sets it, so no room passes it on. Tasks inherit it from the task that starts them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias

import msgspec
from msgspec.structs import replace

Kind: TypeAlias = Literal["key", "person", "operator", "server"]


class Actor(msgspec.Struct, frozen=True):
    """A `person` without an id has not signed in: it holds the link of a connection.

    An `operator` works on the data folder itself, by commands. A `server` works by itself, as background loops do.
    """

    kind: Kind
    id: str | None = None
    name: str | None = None
    account_id: str | None = None
    address: str | None = None
    request_id: str | None = None


SERVER = Actor("server")
_actor = ContextVar("actor", default=SERVER)


def actor() -> Actor:
    """The actor of the running task. Nobody has set one in a background loop: there it is the server."""
    return _actor.get()


@contextmanager
def acting(who: Actor) -> Iterator[None]:
    """Let this be the actor within the block, whatever `act_as` sets in it."""
    token = _actor.set(who)
    try:
        yield
    finally:
        _actor.reset(token)


def act_as(kind: Kind, identity: str | None, name: str | None, account_id: str | None) -> None:
    """From here on the request has this actor: it has proved who it is. The address and the request id stay."""
    _actor.set(replace(_actor.get(), kind=kind, id=identity, name=name, account_id=account_id))
