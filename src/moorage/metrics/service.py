"""The metrics of a whole server, whichever of its workers is asked."""

import asyncio
from collections.abc import Sequence

from moorage.background import Loop
from moorage.logs import Log
from moorage.metrics.numbers import Numbers, decoded, encoded, together
from moorage.metrics.process import Process
from moorage.metrics.readings import Readings
from moorage.metrics.shared import Place
from moorage.metrics.text import text_of

INTERVAL = 1.0  # Seconds until the others see the numbers of this process.

log = Log(__name__)


class Metrics:
    """`place` is where this process puts its numbers. It goes on with those of the process that had the place before,
    so that no sum ever falls.
    """

    def __init__(self, place: Place, process: Process, readings: Readings) -> None:
        self._place = place
        self._process = process
        self._readings = readings
        left = place.left()
        self._before = Numbers() if left is None else decoded(left).rising()
        self._is_too_long = False

    def background(self) -> Sequence[Loop]:
        return () if self._place.is_alone else (Loop("metrics.publish", self.keep_publishing),)

    async def keep_publishing(self) -> None:
        """Put the numbers of this process into its place once a second, without end."""
        while True:
            self.publish()
            await asyncio.sleep(INTERVAL)

    def publish(self) -> Numbers:
        numbers = together([self._before, self._process.numbers()])
        if not self._place.write(encoded(numbers)) and not self._is_too_long:
            self._is_too_long = True
            log.warning("metrics.too_many", series=len(numbers.counters) + len(numbers.times))
        return numbers

    async def text(self) -> bytes:
        """What Prometheus reads."""
        # Whoever is asked next has to see at least what this answer says. Otherwise a sum could fall.
        numbers = together([self.publish(), *map(decoded, self._place.others())])
        numbers.gauges.update(await self._readings.look())
        return text_of(numbers)
