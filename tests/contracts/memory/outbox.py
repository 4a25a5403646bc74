"""The outbox of an organisation."""

from itertools import count

from moorage.crm.storage.contract.outbox import LONGEST_LEASE, Claim, Event

_fences = count(1)


class MemoryOutbox:
    """See `Outbox` for what the calls promise."""

    def __init__(self, contents, now) -> None:
        self._contents = contents
        self._now = now

    def claim(self, most, lease):
        _, end = self._contents.held or (0, 0)
        if self._now < end <= self._now + LONGEST_LEASE:
            return None
        claim = Claim(next(_fences), [Event(*event) for event in self._contents.events[:most]])
        if claim.events:
            self._contents.held = (claim.fence, self._now + min(lease, LONGEST_LEASE))
        return claim

    def acknowledge(self, claim):
        if not self.release(claim):
            return False
        self.pass_over(claim.events[-1].id)
        self._contents.known = self._now
        return True

    def rest(self, seconds):
        if self._contents.events or 0 <= self._now - (self._contents.known or 0) < seconds:
            return False
        self._contents.known = None
        return True

    def release(self, claim):
        if self._contents.held is None or self._contents.held[0] != claim.fence:
            return False
        self._contents.held = None
        return True

    def pass_over(self, last):
        self._contents.acknowledged = max(self._contents.acknowledged, last)
        self._contents.events = [event for event in self._contents.events if event[0] > last]
