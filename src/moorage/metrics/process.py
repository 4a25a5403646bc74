"""The numbers that one process has in its memory."""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

from moorage import __version__
from moorage.counts import COUNTS
from moorage.http.crowd import Crowd
from moorage.http.traffic import TRAFFIC
from moorage.metrics.calls import CallCounts
from moorage.metrics.numbers import Key, Numbers
from moorage.requests.writer import Writer

_PROC = Path("/proc/self")  # Only Linux has it. Elsewhere memory and files are left out.


class Process:
    """`outbox_lag` gives seconds. `worker` is the number of this process."""

    def __init__(
        self, worker: int, calls: CallCounts, crowd: Crowd, writer: Writer, outbox_lag: Callable[[], float]
    ) -> None:
        self._worker = str(worker)
        self._calls = calls
        self._crowd = crowd
        self._writer = writer
        self._outbox_lag = outbox_lag
        self._started = time.time()

    def numbers(self) -> Numbers:
        counters: dict[Key, float] = {
            **COUNTS.numbers,
            **self._calls.counters,
            ("moorage_unknown_key_requests_total",): self._writer.strangers,
            ("moorage_request_log_dropped_total",): self._writer.dropped,
            ("moorage_answers_total",): TRAFFIC.answered,
            ("moorage_cpu_seconds_total",): time.process_time(),
        }
        gauges: dict[Key, float] = {
            ("moorage_outbox_lag_seconds",): self._outbox_lag(),
            ("moorage_request_log_waiting",): self._writer.waiting,
            ("moorage_open_connections",): len(self._crowd),
            ("moorage_start_timestamp_seconds", self._worker): self._started,
            ("moorage_build_info", __version__, platform.python_version()): 1,
        }
        if _PROC.exists():
            pages = int((_PROC / "statm").read_text().split()[1])
            gauges["moorage_memory_bytes", self._worker] = pages * os.sysconf("SC_PAGE_SIZE")
            gauges["moorage_open_files", self._worker] = sum(1 for _ in (_PROC / "fd").iterdir())
        return Numbers(counters, gauges, self._calls.times)
