"""The outbox of an organisation."""

from itertools import count

from moorage.crm.storage.contract.outbox import LONGEST_LEASE, Claim, Event

_fences = count(1)


class MemoryOutbox:
    """See `Outbox` for what the calls promise."""

    def __init__(self, contents, now) -> None:
        self._contents = contents
        self._now = now

    def due(self):
        kinds = sorted({kind for _, kind, _ in self._contents.events})
        return [kind for kind in kinds if not self._is_held(kind)]

    def claim(self, kind, most, lease):
        if self._is_held(kind):
            return None
        events = [Event(*event) for event in self._contents.events if event[1] == kind][:most]
        claim = Claim(kind, next(_fences), self._contents.failures.get(kind, 0), events)
        if events:
            self._contents.held[kind] = (claim.fence, self._now + min(lease, LONGEST_LEASE))
        return claim

    def settle(self, claim, done, pause=0):
        kind, contents = claim.kind, self._contents
        if contents.held.get(kind, (None, 0))[0] != claim.fence:
            return False
        del contents.held[kind]
        if done:
            contents.failures[kind] = 0
            self.pass_over(kind, claim.events[done - 1].id)
            contents.known = self._now
        if pause:
            contents.held[kind] = (0, self._now + min(pause, LONGEST_LEASE))
            contents.failures[kind] = contents.failures.get(kind, 0) + 1
        return True

    def rest(self, seconds):
        if self._contents.events or 0 <= self._now - (self._contents.known or 0) < seconds:
            return False
        self._contents.known = None
        return True

    def pass_over(self, kind, last):
        acknowledged = self._contents.acknowledged
        acknowledged[kind] = max(acknowledged.get(kind, 0), last)
        self._contents.events = [
            event for event in self._contents.events if event[0] > last or event[1] != kind
        ]

    def _is_held(self, kind):
        _, end = self._contents.held.get(kind, (0, 0))
        return self._now < end <= self._now + LONGEST_LEASE
