"""The rate limit of each account: a bucket of tokens that fills at a constant rate.

Each process has buckets of its own, so that a call waits for nothing. `settling.py` corrects them by one shared level.
"""

from collections.abc import Mapping

import msgspec

from moorage.clock import Clock


class _Bucket(msgspec.Struct):
    """`tokens` were there at `counted`. `spent` have been taken since the last call of `take_spent`."""

    tokens: float
    counted: float
    spent: int = 0


class RateLimiter:
    """`rate` is in requests per second; None means no limit. After a pause, twice as many requests may come at once."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self.use(rate)
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}  # By account.
        # Those that have spent tokens since the last call of `take_spent`.
        self._spenders: dict[str, _Bucket] = {}

    def use(self, rate: float | None) -> None:
        """Allow so many requests per second from now on."""
        self.rate = rate
        self.burst = max(1.0, 2 * rate) if rate is not None else 0.0

    def take(self, account_id: str) -> float | None:
        """Count one request. Returns None if it is allowed, otherwise the seconds to wait."""
        rate = self.rate
        if rate is None:
            return None
        now = self._clock.timestamp()
        bucket = self._buckets.get(account_id)
        if bucket is None:
            bucket = self._buckets[account_id] = _Bucket(self.burst, now)
        tokens = min(self.burst, bucket.tokens + max(0.0, now - bucket.counted) * rate)
        bucket.counted = now
        if tokens < 1:
            bucket.tokens = tokens
            return (1 - tokens) / rate
        bucket.tokens = tokens - 1
        if not bucket.spent:
            self._spenders[account_id] = bucket
        bucket.spent += 1
        return None

    def take_spent(self) -> dict[str, int]:
        """How many requests of each account were allowed since the last call."""
        spent = {account_id: bucket.spent for account_id, bucket in self._spenders.items()}
        for bucket in self._spenders.values():
            bucket.spent = 0
        self._spenders.clear()
        return spent

    def correct(self, levels: Mapping[str, float], counted: float) -> None:
        """Give accounts the tokens that all processes together have left them, as counted at this time.

        A level may lie below 0. What was allowed since the last call of `take_spent` is not part of it yet.
        """
        for account_id, level in levels.items():
            bucket = self._buckets[account_id]
            bucket.tokens, bucket.counted = level - bucket.spent, counted
