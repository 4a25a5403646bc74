"""Callers with the scopes of bulk jobs, and what jobs have made."""

import csv
import io
import zipfile

import pytest

from tests.crm.conftest import FULL_SCOPE

SCOPE = f"{FULL_SCOPE},ZohoCRM.bulk.ALL,ZohoFiles.files.ALL"


@pytest.fixture
def crm(begin):
    """The owner of an empty organisation."""
    return begin("acme", scope=SCOPE)


@pytest.fixture
def work(service):
    """Work on a job of a caller until it has ended."""

    def run(caller, job):
        async def main():
            await service.wrapped.bulk_jobs.run(caller.organisation, int(job))

        service._run(main())

    return run


@pytest.fixture
def unzipped():
    """The files in a zip that an answer brings, by name."""

    def read(answer):
        assert answer.status == 200, answer.body
        with zipfile.ZipFile(io.BytesIO(answer.body)) as opened:
            return {name: opened.read(name) for name in opened.namelist()}

    return read


def rows_of(data):
    return list(csv.reader(io.StringIO(data.decode(), newline="")))
