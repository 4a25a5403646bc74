"""A bulk write whose processes are killed loses nothing and writes nothing twice.

MOORAGE_TEST_KILLS says how often; more than once is with 25,000 rows: MOORAGE_TEST_KILLS=20 script/test tests/crm/bulk
"""

import os
import random
import sys
from pathlib import Path

import msgspec
import pytest

from moorage.crm.jobs import store
from moorage.crm.jobs.write_model import WriteProgress
from tests import forked
from tests.crm.bulk.conftest import rows_of
from tests.crm.bulk.test_bulk_write import PATH, asked, file_id
from tests.crm.folder import ORIGIN
from tests.waiting import wait_until

KILLS = int(os.environ.get("MOORAGE_TEST_KILLS", "1"))
ROWS = 25_000 if KILLS > 1 else 500
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("storage_kind", ["sqlite", "postgresql"], indirect=True)
def test_an_upsert_that_is_killed_again_and_again_is_done_once(
    crm, service, tmp_path, unzipped, request, storage_kind
):
    url = [request.getfixturevalue("record_url")] if storage_kind == "postgresql" else []
    known = ROWS // 5
    for start in range(0, known, 100):
        numbers = range(start, start + 100)
        crm.insert("Leads", *({"Last_Name": "Old", "Email": f"{number}@x.example"} for number in numbers))
    lines = [f"{number}@x.example,{number}\n" for number in range(ROWS)]
    file = file_id(crm, **{"a.csv": "Email,Last_Name\n" + "".join(lines)})
    answer = asked(crm, {"file_id": file, "find_by": "Email"}, operation="upsert")
    job = answer.json["details"]["id"]

    async def progress():
        organisation = await service.wrapped.organisations.open(crm.organisation)
        return (await store.find(organisation, int(job))).progress

    def row():
        now = service._run(progress())
        return -1 if now is None else msgspec.convert(now, WriteProgress).row

    def working():
        arguments = [
            sys.executable,
            "-m",
            "tests.crm.bulk.working",
            tmp_path / "crm",
            str(crm.organisation),
            job,
            *url,
        ]
        return forked.popen(arguments, cwd=ROOT)

    for target in sorted(random.sample(range(ROWS - 200), KILLS)):
        process = working()
        wait_until(lambda target=target, process=process: row() >= target or process.poll() is not None, 120)
        process.kill()
        assert process.wait() == -9
    assert working().wait() == 0
    shown = crm.get(f"{PATH}/{job}").json
    counts = {"added_count": ROWS - known, "updated_count": known, "skipped_count": 0, "total_count": ROWS}
    assert shown["resource"][0]["file"] == {"status": "COMPLETED", "name": "a.csv"} | counts
    (data,) = unzipped(crm.get(shown["result"]["download_url"].removeprefix(ORIGIN))).values()
    rows = rows_of(data)[1:]
    assert [row[1] for row in rows] == [f"{number}" for number in range(ROWS)]
    assert [row[2] for row in rows] == ["UPDATED"] * known + ["ADDED"] * (ROWS - known)
    assert len({row[3] for row in rows}) == ROWS
    assert crm.get("Leads/actions/count").json["count"] in {ROWS, f"{ROWS}"}
