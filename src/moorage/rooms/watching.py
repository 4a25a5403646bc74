"""The metrics and the traces of a server, if they are on."""

from functools import cached_property
from typing import TYPE_CHECKING

from moorage.rooms.console import ConsoleRooms

if TYPE_CHECKING:
    from moorage.http.crowd import Crowd
    from moorage.metrics.service import Metrics
    from moorage.metrics.shared import Place
    from moorage.tracing.spans import TraceSpans

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class WatchingRooms(ConsoleRooms):
    """`place` is where this process puts its numbers. A server sets it if the metrics are on."""

    place: "Place | None" = None

    @cached_property
    def crowd(self) -> "Crowd":
        from moorage.http.crowd import Crowd

        return Crowd()

    @cached_property
    def metrics(self) -> "Metrics | None":
        place, calls, writer = self.place, self.call_counts, self.request_writer
        if place is None or calls is None or writer is None:
            return None
        from functools import partial

        from moorage.approvals import store as approvals
        from moorage.connections import store as connections
        from moorage.grants.store import of_keys
        from moorage.jobs import store as jobs
        from moorage.keys import store as keys
        from moorage.metrics.process import Process
        from moorage.metrics.readings import Reading, Readings
        from moorage.metrics.service import Metrics
        from moorage.oauth.tokens import store as tokens
        from moorage.oauth.tokens.renewal import WINDOW

        readings: dict[str, Reading] = {
            "moorage_approvals_waiting": approvals.count_waiting,
            "moorage_connections": connections.count,
            "moorage_jobs": jobs.count,
            "moorage_mint_window_tokens": partial(tokens.most_mints, window=WINDOW),
            "moorage_next_key_end_timestamp_seconds": partial(keys.next_end, of_keys=of_keys),
        }
        process = Process(place.worker, calls, self.crowd, writer, self.crm.event_lag)
        return Metrics(place, process, Readings(self.database, self.vault, readings))

    @cached_property
    def spans(self) -> "TraceSpans | None":
        """Makes spans of sampled calls. Raises TracingMissing."""
        if self.settings.traces is None:
            return None
        from moorage.tracing.errors import TracingMissing

        try:
            from moorage.tracing.spans import TraceSpans
        except ModuleNotFoundError as error:
            raise TracingMissing from error
        return TraceSpans(self.settings.traces, self.settings.trace_ratio)
