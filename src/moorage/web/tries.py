"""Limits for tries to sign in. They are in memory only.

They slow down a person who guesses, and lock nobody else out. An IP address with ten wrong tries for an account has to
wait; from other addresses the right password still works. If very many addresses try one account, each try waits some
seconds for its turn, and then the right password works.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from moorage.digests import digest_of

WINDOW = 600.0  # Seconds after which a try does not count any more.
TRIES = 10  # Wrong tries of one client address for one account within the window.
TRIES_OF_ALL = 100  # Wrong tries for one account, or of one address. After that the tries take turns.
LONGEST_WAIT = 60.0  # Seconds that a try may wait for its turn.
PLACES = 100  # Tries at the same time. Each takes a core for about a tenth of a second.
PLACES_OF_CLIENT = 5  # Tries of one client address at the same time.
# Accounts, addresses, and pairs of the two. A core can't check as many tries within the window.
_MOST_REMEMBERED = 20_000


class SignInThrottled(Exception):
    """There were too many tries for one account within ten minutes, or there are too many tries just now."""


class Tries:
    """`client` is an IP address in all methods. `now` gives seconds that never go back.

    A client may have `most` wrong tries for an account within the window. After `most_of_all` of one account, or of one
    client, tries take turns, so that there are about twice as many.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        *,
        most: int = TRIES,
        most_of_all: int = TRIES_OF_ALL,
    ) -> None:
        self._now = now
        self._most = most
        self._most_of_all = most_of_all
        self._turn = WINDOW / most_of_all  # Seconds between two tries that take turns.
        self._under_way: Counter[str] = Counter()
        self._wrong: OrderedDict[bytes, list[float]] = OrderedDict()
        self._next_turn: dict[bytes, float] = {}

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """A place for one try. Raises SignInThrottled if all places, or all places of the client, are taken."""
        if self._under_way[client] >= PLACES_OF_CLIENT or self._under_way.total() >= PLACES:
            raise SignInThrottled
        self._under_way[client] += 1
        try:
            yield
        finally:
            self._under_way[client] -= 1
            self._under_way += Counter()  # This removes the clients without a try.

    async def turn(self, account: str, client: str) -> None:
        """Count a try, and wait for its turn. Raises SignInThrottled for a client with too many wrong tries."""
        of_all, of_address, of_client = _subjects(account, client)
        if len(self._recent(of_client)) >= self._most:
            raise SignInThrottled
        wait = max(self._wait_for(of_all), self._wait_for(of_address))
        for subject in (of_all, of_address, of_client):
            self._wrong[subject] = [*self._recent(subject), self._now()][-self._most_of_all :]
            self._wrong.move_to_end(subject)
        while len(self._wrong) > _MOST_REMEMBERED:
            oldest, _ = self._wrong.popitem(last=False)
            self._next_turn.pop(oldest, None)
        if wait > 0:
            await asyncio.sleep(wait)

    def forgive(self, account: str, client: str) -> None:
        """The password was right: the wrong tries of the client, and this try, do not count any more."""
        *shared, of_client = _subjects(account, client)
        self._wrong.pop(of_client, None)
        for subject in shared:
            if wrong := self._wrong.get(subject):
                wrong.pop()

    def _wait_for(self, subject: bytes) -> float:
        now = self._now()
        if len(self._recent(subject)) < self._most_of_all:
            self._next_turn.pop(subject, None)
            return 0.0
        turn = max(now, self._next_turn.get(subject, 0.0))
        if turn - now > LONGEST_WAIT:
            raise SignInThrottled
        self._next_turn[subject] = turn + self._turn
        return turn - now

    def _recent(self, subject: bytes) -> list[float]:
        since = self._now() - WINDOW
        return [at for at in self._wrong.get(subject, ()) if at > since]


def _subjects(account: str, client: str) -> tuple[bytes, bytes, bytes]:
    """What tries are counted of: the account, the address, and the two together."""
    return _digest(account, ""), _digest("", f"by {client}"), _digest(account, f"by {client}")


def _digest(account: str, tries: str) -> bytes:
    return digest_of(f"{account}\0{tries}")[:16]
