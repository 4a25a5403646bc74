"""Reads over HTTP while the same server works on a bulk job: how many answers callers keep."""

import io
import json
import time
import urllib.request
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from benchmarks import leads
from benchmarks.bulk import ROWS, sheet
from benchmarks.figures import BESIDE, BULK_READ, BULK_WRITE
from benchmarks.load import Beside, Candidates, LoadFailed, Sample, answer_to, rounds, times_longer
from benchmarks.run import Run
from benchmarks.scene import SqliteScene, scene

_READERS = 4
_LOOK = 0.2  # Seconds between two questions how far a job is.
_PATIENCE = 120  # Seconds that a job may take.
_BOUNDARY = "job"
UNDER_WAY = {"ADDED", "QUEUED", "IN PROGRESS", "INPROGRESS"}  # The states of reads and writes.


class JobAfterJob:
    """A load of jobs. `begin` begins a job, and gives the path that shows it."""

    def __init__(self, server: "_Server", begin: Callable[[], str]) -> None:
        self._server, self._begin = server, begin

    def run(self, seconds: float) -> Sample:
        """Begin the next job as soon as one has ended, for so long. Then wait for the last. Raises LoadFailed."""
        started = time.monotonic()
        jobs = 0
        while time.monotonic() - started < seconds:
            self._server.await_end(self._begin())
            jobs += 1
        return Sample(jobs / (time.monotonic() - started))


def measure(run: Run) -> dict[str, list[float]]:
    """The figures of readers beside jobs. Raises LoadFailed, ServerFailed."""
    with scene(run) as place, ExitStack() as stack:
        server = _Server(place)
        jobs = {BULK_READ: server.begin_read, BULK_WRITE: server.begin_write}
        readers = {name: place.reads(stack, name, _READERS) for name in BESIDE}
        candidates: Candidates = {name: load.run for name, load in readers.items()}
        for job, begin in jobs.items():
            load_of_jobs = JobAfterJob(server, begin)
            for name, load in readers.items():
                candidates[f"{name} {job}"] = Beside(load, load_of_jobs).run
        samples = rounds(candidates, run)
    return {
        f"{job}.beside.{name}.kept": times_longer(samples[name], samples[f"{name} {job}"])
        for job in jobs
        for name in BESIDE
    }


class _Server:
    """Begins jobs, and asks for them, as a client of the CRM does."""

    def __init__(self, place: SqliteScene) -> None:
        self._place = place

    def begin_read(self) -> str:
        query = {"module": {"api_name": "Leads"}, "fields": list(leads.TWENTY_FIELDS)}
        return self._begin("/crm/bulk/v8/read", {"query": query})

    def begin_write(self) -> str:
        resource = {"type": "data", "module": {"api_name": "Leads"}, "file_id": self._file}
        return self._begin("/crm/bulk/v8/write", {"operation": "insert", "resource": [resource]})

    def await_end(self, job: str) -> None:
        until = time.monotonic() + _PATIENCE
        while (state := self._state(job)) in UNDER_WAY:
            if time.monotonic() > until:
                raise LoadFailed(f"{job} did not end.")
            time.sleep(_LOOK)
        if state != "COMPLETED":
            raise LoadFailed(f"{job} is {state}.")

    def _state(self, job: str) -> str:
        shown = self._answer("GET", job)
        state: str = shown["data"][0]["state"] if "data" in shown else shown["status"]
        return state

    def _begin(self, path: str, body: dict[str, Any]) -> str:
        answer = self._answer("POST", path, json.dumps(body).encode())
        job: str = (answer["data"][0] if "data" in answer else answer)["details"]["id"]
        return f"{path}/{job}"

    @cached_property
    def _file(self) -> str:
        """The id of a file of rows, which every bulk write inserts again."""
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as file:
            rows = leads.leads(self._place.records, min(ROWS, self._place.records))
            file.writestr("leads.csv", sheet(rows))
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="leads.zip"\r\n\r\n'
        form = head.encode() + zipped.getvalue() + f"\r\n--{_BOUNDARY}--\r\n".encode()
        organisation = self._answer("GET", "/crm/v8/org")["org"][0]["zgid"]
        headers = {"feature": "bulk-write", "X-CRM-ORG": organisation}
        headers["Content-Type"] = f"multipart/form-data; boundary={_BOUNDARY}"
        file_id: str = self._answer("POST", "/crm/v8/upload", form, headers)["details"]["file_id"]
        return file_id

    def _answer(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        request = urllib.request.Request(
            f"{self._place.server.crm}{path}", body, headers or {}, method=method
        )
        request.add_header("Authorization", self._place.authorization)
        return json.loads(answer_to(request))
