"""Who may try to sign in, when many guess: slowed, but nobody is locked out by others."""

import asyncio
import time

import pytest

from moorage.crm.accounts.errors import SignInRefused
from moorage.web.tries import (
    LONGEST_WAIT,
    PLACES,
    PLACES_OF_CLIENT,
    TRIES,
    TRIES_OF_ALL,
    WINDOW,
    SignInThrottled,
    Tries,
)
from tests.crm.accounts.browser import ANA, PASSWORD

TURN = WINDOW / TRIES_OF_ALL


class Time:
    """Stands still; sleeping is only noted."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.slept = []
        monkeypatch.setattr("moorage.web.tries.asyncio.sleep", self._sleep)

    async def _sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture
def still(monkeypatch):
    return Time(monkeypatch)


@pytest.fixture
def tries(still):
    return Tries(lambda: still.now)


def wrong(tries, account, client):
    asyncio.run(tries.turn(account, client))


def test_ten_wrong_tries_of_one_client_and_it_waits_ten_minutes(tries, still):
    for _ in range(TRIES):
        wrong(tries, "1 ana", "192.0.2.1")
    with pytest.raises(SignInThrottled):
        wrong(tries, "1 ana", "192.0.2.1")
    wrong(tries, "1 ana", "192.0.2.2")
    wrong(tries, "1 ben", "192.0.2.1")
    still.now += WINDOW - 1
    with pytest.raises(SignInThrottled):
        wrong(tries, "1 ana", "192.0.2.1")
    still.now += 1
    wrong(tries, "1 ana", "192.0.2.1")
    assert still.slept == []


def test_a_person_who_signs_in_begins_to_count_anew(tries):
    for _ in range(3):
        for _ in range(TRIES):
            wrong(tries, "1 ana", "192.0.2.1")
        tries.forgive("1 ana", "192.0.2.1")


def test_a_person_who_signs_in_again_and_again_waits_for_no_turn(tries, still):
    for number in range(3 * TRIES_OF_ALL):
        wrong(tries, "1 ana", f"192.0.2.{number % 2}")
        tries.forgive("1 ana", f"192.0.2.{number % 2}")
    assert still.slept == []


def test_where_many_addresses_guess_each_waits_for_a_turn_and_none_is_refused(tries, still):
    for number in range(TRIES_OF_ALL):
        wrong(tries, "1 ana", f"guesser {number}")
    assert still.slept == []
    for number in range(3):
        wrong(tries, "1 ana", f"person {number}")
    assert still.slept == [TURN, 2 * TURN]
    wrong(tries, "1 ben", "person 1")
    assert len(still.slept) == 2
    still.now += 3 * TURN
    wrong(tries, "1 ana", "person 4")
    assert len(still.slept) == 2
    still.now += WINDOW
    wrong(tries, "1 ana", "person 5")
    assert len(still.slept) == 2


def test_one_address_that_tries_many_accounts_waits_for_a_turn_and_others_do_not(tries, still):
    for number in range(TRIES_OF_ALL):
        wrong(tries, f"1 {number}", "192.0.2.1")
    assert still.slept == []
    for account in ("1 ana", "1 ben"):
        wrong(tries, account, "192.0.2.1")
    assert still.slept == [TURN]
    wrong(tries, "1 ana", "192.0.2.2")
    tries.forgive("1 ana", "192.0.2.2")
    assert still.slept == [TURN]


def test_nobody_is_kept_waiting_for_longer_than_a_minute(tries, still):
    for number in range(TRIES_OF_ALL):
        wrong(tries, "1 ana", f"guesser {number}")
    turns = int(LONGEST_WAIT / TURN) + 1
    for number in range(turns):
        wrong(tries, "1 ana", f"person {number}")
    with pytest.raises(SignInThrottled):
        wrong(tries, "1 ana", "one too many")
    assert max(still.slept) <= LONGEST_WAIT


def test_a_client_has_its_share_of_the_queue_and_leaves_the_rest_to_others(tries):
    def enter(client, stack):
        place = tries.place(client)
        place.__enter__()
        stack.append(place)

    held = []
    for _ in range(PLACES_OF_CLIENT):
        enter("greedy", held)
    with pytest.raises(SignInThrottled):
        enter("greedy", held)
    for number in range(PLACES - PLACES_OF_CLIENT):
        enter(f"client {number}", held)
    with pytest.raises(SignInThrottled):
        enter("one too many", held)
    held.pop().__exit__(None, None, None)
    enter("one too many", held)


def test_what_is_remembered_is_of_fixed_size_and_has_an_end(tries, monkeypatch):
    monkeypatch.setattr("moorage.web.tries._MOST_REMEMBERED", 50)
    for number in range(1000):
        wrong(tries, f"1 {number}" + "x" * 254, f"192.0.2.{number}" * 100)
    assert len(tries._wrong) <= 50 and all(len(key) == 16 for key in tries._wrong)


def test_a_right_password_is_taken_while_others_guess(service, crm, ana):
    async def everybody():
        sign_in = service.people.sign_in
        guesses = [sign_in(crm.organisation, ANA, "guess", f"192.0.2.{n % 9}") for n in range(60)]
        person = sign_in(crm.organisation, ANA, PASSWORD, "198.51.100.1")
        return await asyncio.gather(*guesses, person, return_exceptions=True)

    *guesses, person = asyncio.run(everybody())
    assert person.email == ANA
    came = [type(guess) for guess in guesses]
    assert came.count(SignInRefused) == 9 * PLACES_OF_CLIENT
    assert came.count(SignInThrottled) == 60 - 9 * PLACES_OF_CLIENT


@pytest.mark.usefixtures("real_hashes")
def test_an_address_that_nobody_has_takes_as_long_as_a_wrong_password(service, crm, ana):
    """In time of the processor, which other work of this machine doesn't change."""

    def cost(email):
        before = time.process_time()
        with pytest.raises(SignInRefused):
            asyncio.run(service.people.sign_in(crm.organisation, email, "guess"))
        return time.process_time() - before

    cost("warm@x.example")
    known, unknown = (min(cost(email) for _ in range(3)) for email in (ANA, "nobody@x.example"))
    assert 0.5 < unknown / known < 2
