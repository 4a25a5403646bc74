"""Notifications reach their receivers, or wait; a receiver holds up nobody else, and leads nowhere inside."""

import asyncio
import ipaddress
import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.addresses import Addresses, NotAllowed
from moorage.crm.events import sending
from moorage.crm.events.deliveries import FIRST_PAUSE, GIVE_UP, Deliveries
from moorage.crm.events.sending import Undelivered
from moorage.crm.organisations.relay import Relay
from tests.crm.composite.parts import call as composite
from tests.crm.composite.parts import insert, part
from tests.crm.conftest import BEGIN, FULL_SCOPE
from tests.crm.events.receiver import Receiver, deliver, watch
from tests.log_lines import capture_logs
from tests.waiting import wait_until


def names(notifications):
    return [each["ids"][0] for each in notifications]


def test_what_fails_is_tried_again_after_a_pause_in_the_same_order(crm, receiver, clock):
    watch(crm, receiver.url, "Leads.create")
    receiver.answers = [200, 500, 302, 200]
    leads = [crm.insert("Leads", {"Last_Name": str(n)})[0] for n in range(3)]
    deliver(crm.service)
    assert names(receiver.told()) == leads[:2]
    deliver(crm.service)
    assert receiver.told() == []
    clock.advance(FIRST_PAUSE)
    deliver(crm.service)
    assert names(receiver.told()) == leads[1:2]
    clock.advance(FIRST_PAUSE)
    deliver(crm.service)
    assert receiver.told() == []
    clock.advance(FIRST_PAUSE)
    deliver(crm.service)
    assert names(receiver.told()) == leads[1:]


def test_how_long_the_oldest_notification_waits_is_known_until_it_is_taken(crm, clock):
    watch(crm, "http://127.0.0.1/", "Leads.create")
    organisations, sender = crm.service.organisations.wrapped, FailingSender()
    deliveries = Deliveries(organisations, sender, clock)

    def lag():
        async def once():
            relay = Relay(organisations, deliveries.handle)
            await relay.look()
            await relay.ended()
            return deliveries.lag()

        return asyncio.run(once())

    crm.insert("Leads", {"Last_Name": "Ash"})
    clock.advance(3)
    sender.failures = 2
    assert lag() == 3
    clock.advance(FIRST_PAUSE)
    assert lag() == 3 + FIRST_PAUSE
    assert deliveries.lag() == 3 + FIRST_PAUSE  # Also during the pause.
    clock.advance(2 * FIRST_PAUSE)
    assert lag() == 0 and len(sender.taken) == 1
    sender.failures = 1
    crm.insert("Leads", {"Last_Name": "Birch"})
    assert lag() == 0
    clock.advance(3600)  # Somebody else has dealt with it meanwhile.
    assert deliveries.lag() == 0


def test_a_receiver_that_hangs_holds_up_no_other(crm, receiver, monkeypatch):
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.2)
    slow = Receiver()
    slow.answers = [None] * 9
    watch(crm, slow.url, "Leads.create", channel_id="1")
    watch(crm, receiver.url, "Leads.create", channel_id="2")
    leads = [crm.insert("Leads", {"Last_Name": str(n)})[0] for n in range(3)]
    deliver(crm.service)
    assert names(receiver.told()) == leads
    assert names(slow.told()) == leads[:1]
    slow.close()


def test_what_is_rolled_back_is_not_told(caller_of, crm, receiver):
    caller = caller_of("acme", f"{FULL_SCOPE},ZohoCRM.composite_requests.CUSTOM")
    watch(crm, receiver.url, "Leads.create")
    status, _ = composite(
        caller, insert("Ash"), part("GET", "Leads/1"), insert("Birch", Company=7), rollback_on_fail=True
    )
    assert status == 400
    assert crm.get("Leads", fields="id").status == 204
    deliver(crm.service)
    assert receiver.told() == []


def test_a_redirect_is_not_followed(crm, receiver):
    other = Receiver()
    receiver.answers, receiver.location = [307], other.url
    watch(crm, receiver.url, "Leads.create")
    crm.insert("Leads", {"Last_Name": "Ash"})
    deliver(crm.service)
    assert len(receiver.told()) == 1
    assert other.told() == []
    other.close()


def test_what_nobody_takes_for_a_day_is_given_up(crm, receiver, clock):
    watch(crm, receiver.url, "Leads.create", channel_expiry="2026-02-13T09:10:56Z")
    (old,) = crm.insert("Leads", {"Last_Name": "old"})
    receiver.answers = [503, 503]
    deliver(crm.service)
    clock.advance(GIVE_UP + 1)
    with capture_logs() as lines:
        deliver(crm.service)
    assert names(receiver.told()) == [old, old]
    assert [line["event"] for line in lines] == ["crm.notifications_given_up"]
    clock.advance(FIRST_PAUSE * 2)
    deliver(crm.service)
    assert receiver.told() == []


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", ["public"]),
        ("localhost", ["public", "10.0.0.0/8"]),
        ("[::ffff:127.0.0.1]", ["public"]),
        ("2130706433", ["public"]),
    ],
)
def test_an_address_that_is_not_allowed_gets_no_connection(crm, receiver, host, allowed):
    watch(crm, receiver.url.replace("127.0.0.1", host), "Leads.create")
    crm.insert("Leads", {"Last_Name": "Ash"})
    deliver(crm.service, receivers=allowed)
    assert receiver.told() == []


def test_a_name_that_means_another_address_at_the_next_look_up_leads_nowhere(crm, receiver, monkeypatch):
    """As a name server would answer that first names an address of the internet, and then one inside."""
    answers = ["127.0.0.1", "10.0.0.1"]

    def look_up(host, port, *_, **__):
        assert host == "rebinding.example.com"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    monkeypatch.setattr("moorage.addresses.socket.getaddrinfo", look_up)
    watch(crm, receiver.url.replace("127.0.0.1", "rebinding.example.com"), "Leads.create")
    crm.insert("Leads", {"Last_Name": "Ash"})
    deliver(crm.service)
    assert len(receiver.told()) == 1
    assert answers == ["10.0.0.1"]
    with pytest.raises(NotAllowed):
        asyncio.run(Addresses(["local"]).look_up("rebinding.example.com", 80))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1", "local"),
        ("::1", "local"),
        ("8.8.8.8", "public"),
        ("2606:4700::1", "public"),
        ("10.1.2.3", ""),
        ("169.254.169.254", ""),
        ("0.0.0.0", ""),
        ("224.0.0.1", ""),
        ("fd00::1", ""),
        ("64:ff9b::a01:203", ""),
        ("2002:a01:203::1", ""),
        ("::ffff:10.1.2.3", ""),
        ("::ffff:8.8.8.8", "public"),
    ],
)
def test_who_an_address_is_allowed_by(address, words):
    ip = ipaddress.ip_address(address)
    assert [word for word in ("local", "public") if Addresses([word]).allows(ip)] == words.split()
    assert Addresses([str(ipaddress.ip_network(address))]).allows(ip)


class FailingSender:
    """Takes a notification, unless it is to fail now."""

    def __init__(self):
        self.taken, self.failures = [], 0

    async def post(self, _url, body):
        if self.failures:
            self.failures -= 1
            raise Undelivered("as the test wants it")
        self.taken.append(json.loads(body))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(steps=st.lists(st.sampled_from(["edit", "fail", "deliver", "wait"]), max_size=15))
def test_each_change_is_told_once_in_its_order_whatever_fails(crm, clock, steps):
    watch(crm, "http://127.0.0.1/", "Leads.edit", return_affected_field_values=True)
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash"})
    sender, made = FailingSender(), 0

    def deliver_all():
        organisations = crm.service.organisations.wrapped

        async def once():
            relay = Relay(organisations, Deliveries(organisations, sender, clock).handle)
            await relay.look()
            await relay.ended()

        asyncio.run(once())

    for step in [*steps, "edit", "deliver"]:
        if step == "edit":
            made += 1
            crm.put(f"Leads/{lead}", {"data": [{"Company": str(made)}]})
        elif step == "fail":
            sender.failures += 1
        elif step == "wait":
            clock.advance(1)
        else:
            deliver_all()
    while len(sender.taken) < made:
        clock.advance(FIRST_PAUSE)
        deliver_all()
    companies = [told["affected_values"][0]["values"]["Company"] for told in sender.taken]
    assert companies == [str(n) for n in range(1, made + 1)]
    clock.advance(BEGIN.timestamp() - clock.timestamp())  # Tokens and channels live for an hour.


def test_what_waits_is_delivered_by_the_loop_of_the_service(crm, receiver):
    watch(crm, receiver.url, "Leads.create")

    async def serve():
        (loop,) = [each for each in crm.service.wrapped.background() if each.name == "crm.deliver"]
        task = asyncio.create_task(loop.run())
        (lead,) = await asyncio.to_thread(crm.insert, "Leads", {"Last_Name": "Ash"})
        await asyncio.to_thread(wait_until, lambda: receiver.notifications, 30)
        task.cancel()
        await asyncio.wait([task])
        return [lead]

    assert asyncio.run(serve()) == names(receiver.told())
