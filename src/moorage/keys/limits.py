"""The rate limit of each account: a bucket of tokens that fills at a constant rate."""

from moorage.clock import Clock


class RateLimiter:
    """`rate` is in requests per second; None means no limit. After a pause, twice as many requests may come at once."""

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._rate = rate
        self._burst = max(1.0, 2 * rate) if rate is not None else 0.0
        self._clock = clock
        # By account: its tokens, and the time at which they were counted.
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, account_id: str) -> float | None:
        """Count one request. Returns None if it is allowed, otherwise the seconds to wait."""
        if self._rate is None:
            return None
        now = self._clock.timestamp()
        tokens, counted = self._buckets.get(account_id, (self._burst, now))
        tokens = min(self._burst, tokens + max(0.0, now - counted) * self._rate)
        if tokens < 1:
            self._buckets[account_id] = (tokens, now)
            return (1 - tokens) / self._rate
        self._buckets[account_id] = (tokens - 1, now)
        return None
