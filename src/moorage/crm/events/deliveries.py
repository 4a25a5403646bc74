"""Delivers what channels have to hear, in order, until their receivers say that they have it [Z notifications].

A channel is a line of the outbox. A receiver that fails lets its line pause, longer each time. Nobody else waits.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from moorage.background import Loop
from moorage.clock import Clock
from moorage.crm.events.channels import KIND, Channel, channel_of, of_line
from moorage.crm.events.sending import Sender, Undelivered
from moorage.crm.organisations.relay import LEASE, Handled, Relay, written
from moorage.crm.organisations.service import Organisations
from moorage.crm.storage.contract.outbox import Claim, Event
from moorage.logs import Log

FIRST_PAUSE = 5  # Seconds from the first failure to the next attempt; it doubles with each.
MOST_PAUSE = 600
GIVE_UP = 86_400  # Seconds after which an event that nobody takes is given up.
FIRST_TRIES = 64  # Lines that are sent at the same time, if their last attempt went well.
REPEATS = 16  # And lines that failed the last time, so that they hold up only each other.
_SLACK = 5.0  # Seconds in which a line that is due is claimed again, if this process claims it.

log = Log(__name__)


class Deliveries:
    """`handle` is for the relay of organisations."""

    def __init__(self, organisations: Organisations, sender: Sender, clock: Clock) -> None:
        self._organisations = organisations
        self._sender = sender
        self._clock = clock
        self._first_tries = asyncio.Semaphore(FIRST_TRIES)
        self._repeats = asyncio.Semaphore(REPEATS)
        # Of each line with events that this process knows of: the time of the oldest one, and until when that is
        # known. Later, another process deals with the line, or none.
        self._oldest: dict[tuple[int, str], tuple[int, float]] = {}

    def background(self) -> Sequence[Loop]:
        return (Loop("crm.deliver", Relay(self._organisations, self.handle).run),)

    def lag(self) -> float:
        """For how many seconds the oldest event has waited that this process knows of; 0 if none waits."""
        now = self._clock.timestamp()
        self._oldest = {line: oldest for line, oldest in self._oldest.items() if oldest[1] > now}
        return max((now - time for time, _ in self._oldest.values()), default=0.0)

    async def handle(self, organisation: int, claim: Claim) -> Handled:
        """Send the events of a claim one after the other, until one fails or half of the lease is over."""
        self._note(organisation, claim, Handled(0))
        handled = await self._send(organisation, claim)
        self._note(organisation, claim, handled)
        return handled

    def _note(self, organisation: int, claim: Claim, handled: Handled) -> None:
        """Remember for how long the first event waits that is not dealt with."""
        line = organisation, claim.kind
        if handled.done == len(claim.events):
            self._oldest.pop(line, None)
        else:
            known_until = self._clock.timestamp() + max(handled.pause, LEASE) + _SLACK
            self._oldest[line] = claim.events[handled.done].payload["time"], known_until

    async def _send(self, organisation: int, claim: Claim) -> Handled:
        end = monotonic() + LEASE / 2
        async with self._repeats if claim.failures else self._first_tries:
            channel = await self._channel(organisation, of_line(claim.kind))
            if channel is None or channel.expiry <= self._clock.timestamp():
                return Handled(len(claim.events))
            for done, event in enumerate(claim.events):
                if monotonic() > end:
                    return Handled(done)
                try:
                    await self._sender.post(channel.notify_url, _body(channel, event))
                except Undelivered as error:
                    return self._failed(organisation, channel, claim, done, error)
        return Handled(len(claim.events))

    async def close(self) -> None:
        await self._sender.close()

    async def _channel(self, organisation: int, channel: int) -> Channel | None:
        companions = await written(
            self._organisations, organisation, lambda tx: tx.companions.by_id([channel])
        )
        companion = (companions or {}).get(channel)
        return channel_of(companion) if companion is not None and companion.kind == KIND else None

    def _failed(
        self, organisation: int, channel: Channel, claim: Claim, done: int, error: Undelivered
    ) -> Handled:
        oldest = self._clock.timestamp() - GIVE_UP
        given_up = sum(event.payload["time"] < oldest for event in claim.events[done:])
        failures = 1 if done else claim.failures + 1
        name, reason = channel.channel_id, str(error)
        if given_up:
            log.error(
                "crm.notifications_given_up",
                organisation=organisation,
                channel=name,
                events=given_up,
                reason=reason,
            )
        else:
            log.warning(
                "crm.notification_failed",
                organisation=organisation,
                channel=name,
                failures=failures,
                reason=reason,
            )
        return Handled(done + given_up, pause=min(FIRST_PAUSE * 2 ** min(failures - 1, 20), MOST_PAUSE))


def _body(channel: Channel, event: Event) -> bytes:
    payload = event.payload
    module = payload["module"]
    body: dict[str, Any] = {
        "server_time": payload["time"] * 1000,
        "query_params": dict(parse_qsl(urlsplit(channel.notify_url).query, keep_blank_values=True)),
        "module": module,
        "resource_uri": f"{channel.api_url}/crm/v8/{module}",
        "ids": payload["ids"],
        "affected_fields": payload["affected_fields"],
        "operation": payload["operation"],
        "channel_id": channel.channel_id,
        "token": channel.token,
    }
    if channel.returns_values:
        body["affected_values"] = payload["affected_values"] or []
    return msgspec.json.encode(body)
