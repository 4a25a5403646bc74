"""Finds what was changed, removed, inserted or put in another order in chains of entries."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from moorage.audit.model import FIRST, hash_of

MOST_FAULTS = 100  # Of an account. More say nothing new.


class Chain(msgspec.Struct):
    """The entries of an account, as far as they were looked at. `number` and `hash` are those of the last one.

    `head` is what the database has noted of the last one: so entries that are missing at the end are noticed.
    """

    account: str
    first: int = 0
    number: int = 0
    hash: str = FIRST
    count: int = 0
    head: tuple[int, str] | None = None
    faults: list[str] = msgspec.field(default_factory=list)

    @property
    def anchor(self) -> str:
        """A text that an operator can keep elsewhere. If it fits later, everything up to here is as it was."""
        return f"{self.number}:{self.hash}"

    def add(self, entry: Mapping[str, Any], *, whole: bool) -> None:
        """Look at the next entry. Only with `whole` has the first one to be number 1."""
        number, given = entry.get("number"), entry.get("hash")
        if not isinstance(number, int) or not isinstance(given, str):
            self.fault(f"an entry after {self.number} has no number or no hash")
            return
        if given != hash_of(dict(entry)):
            self.fault(f"entry {number} was changed: its hash is not that of its content")
        begins = self.count == 0 and not whole
        if not begins:
            self._look_before(number, entry.get("previous"))
        self.first = number if self.count == 0 else self.first
        self.number, self.hash, self.count = number, given, self.count + 1

    def _look_before(self, number: int, previous: Any) -> None:
        if number <= self.number:
            self.fault(f"entry {number} stands after entry {self.number}")
        elif number > self.number + 1:
            self.fault(f"entries {self.number + 1} to {number - 1} are missing")
        elif previous != self.hash:
            self.fault(f"entry {number} does not follow the entry before it: one of the two is another one")

    def end(self) -> None:
        """Compare the last entry with what the database has noted of it."""
        if self.head is None:
            self.fault("the note of its last entry is missing")
        elif self.head[0] > self.number:
            self.fault(f"entries {self.number + 1} to {self.head[0]} are missing at the end")
        elif self.head != (self.number, self.hash):
            self.fault(f"its last entry is {self.number}, but {self.head[0]} is noted as the last one")

    def fault(self, sentence: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(sentence)


class Chains:
    """The chains of several accounts. `anchors` are texts as `Chain.anchor` gives them."""

    def __init__(self, anchors: Iterable[str] = ()) -> None:
        self._anchors = set(anchors)
        self._met: set[str] = set()
        self._chains: dict[str, Chain] = {}

    def add(self, entry: Mapping[str, Any], *, whole: bool = True) -> None:
        """Look at the next entry of any account, as documents of the API."""
        self._of(str(entry.get("account"))).add(entry, whole=whole)
        self._met |= {f"{entry.get('number')}:{entry.get('hash')}"} & self._anchors

    def end(self, heads: Mapping[str, tuple[int, str]]) -> None:
        """Compare the ends of all chains with what the database has noted of them."""
        for account, head in heads.items():
            self._of(account).head = head
        for chain in self._chains.values():
            chain.end()

    def found(self) -> tuple[list[Chain], list[str]]:
        """All chains, and the anchors that are in none of them."""
        return sorted(self._chains.values(), key=lambda chain: chain.account), sorted(
            self._anchors - self._met
        )

    def _of(self, account: str) -> Chain:
        return self._chains.setdefault(account, Chain(account))
