"""Who may try to sign in now: places in a queue, and tries that were wrong. Nothing of it is written anywhere.

Whoever guesses is slowed, and locks nobody else out: a client address that was wrong ten times for an account has to
wait, and from other addresses the account's own password is taken all the same. Where very many addresses guess at one
account, everybody who tries it waits some seconds for a turn; then the right password is let in.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from moorage.crm.accounts.errors import SignInThrottled
from moorage.digests import digest_of

WINDOW = 600.0  # Seconds after which a try no longer counts.
TRIES = 10  # Wrong ones of one client address for one account within the window.
TRIES_OF_ALL = 100  # Of all addresses for one account; then they take turns.
TURN = WINDOW / TRIES_OF_ALL  # Seconds between two tries of an account that takes turns.
LONGEST_WAIT = 60.0  # Seconds that somebody is kept waiting for a turn.
PLACES = 100  # Tries that may be under way at once, each about a tenth of a second of a core.
PLACES_OF_CLIENT = 5
_MOST_REMEMBERED = 20_000  # More than a core can check within the window.


class Tries:
    """`now` gives seconds that only rise."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._under_way: Counter[str] = Counter()
        self._wrong: OrderedDict[bytes, list[float]] = OrderedDict()
        self._next_turn: dict[bytes, float] = {}

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """A place in the queue. Raises SignInThrottled when there is none left, or the client has its share."""
        if self._under_way[client] >= PLACES_OF_CLIENT or self._under_way.total() >= PLACES:
            raise SignInThrottled
        self._under_way[client] += 1
        try:
            yield
        finally:
            self._under_way[client] -= 1
            self._under_way += Counter()  # Forgets those who have none.

    async def turn(self, account: str, client: str) -> None:
        """Count a try, and wait for its turn. Raises SignInThrottled for a client that was wrong too often."""
        everybodys, clients = _digest(account, ""), _digest(account, f"by {client}")
        if len(self._recent(clients)) >= TRIES:
            raise SignInThrottled
        wait = self._wait_for(everybodys)
        for subject in (everybodys, clients):
            self._wrong[subject] = [*self._recent(subject), self._now()][-TRIES_OF_ALL:]
            self._wrong.move_to_end(subject)
        while len(self._wrong) > _MOST_REMEMBERED:
            longest_ago, _ = self._wrong.popitem(last=False)
            self._next_turn.pop(longest_ago, None)
        if wait > 0:
            await asyncio.sleep(wait)

    def forgive(self, account: str, client: str) -> None:
        """The password was right: the client begins to count anew, and of all tries this one counts no more."""
        self._wrong.pop(_digest(account, f"by {client}"), None)
        if of_all := self._wrong.get(_digest(account, "")):
            of_all.pop()

    def _wait_for(self, account: bytes) -> float:
        now = self._now()
        if len(self._recent(account)) < TRIES_OF_ALL:
            self._next_turn.pop(account, None)
            return 0.0
        turn = max(now, self._next_turn.get(account, 0.0))
        if turn - now > LONGEST_WAIT:
            raise SignInThrottled
        self._next_turn[account] = turn + TURN
        return turn - now

    def _recent(self, subject: bytes) -> list[float]:
        since = self._now() - WINDOW
        return [at for at in self._wrong.get(subject, ()) if at > since]


def _digest(account: str, of: str) -> bytes:
    return digest_of(f"{account}\0{of}")[:16]
