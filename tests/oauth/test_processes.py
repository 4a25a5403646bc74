"""Several processes on one database, and processes that are killed."""

import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from moorage.clock import FrozenClock
from moorage.oauth.tokens.renewal import LEASE_SECONDS, WINDOW
from tests import forked
from tests.control import Control
from tests.control_database import on_both as database_settings  # noqa: F401
from tests.oauth.conftest import access, read_again
from tests.oauth.one_process import POINTS


@pytest.fixture
def spent(control, connected):
    """The connection, whose token has ended, as processes of their own find it."""

    async def end():
        async with control.rooms.database.transaction() as tx:
            await tx.connection.exec_driver_sql(
                "UPDATE secrets SET expires_at = 1 WHERE kind = 'access_token'"
            )

    control.run(end())
    return connected


@pytest.fixture
def start(control, spent, tmp_path):
    """Starts processes, which wait for a line before they begin."""
    running = []

    def start(*arguments):
        program = [sys.executable, "-m", "tests.oauth.one_process"]
        process = forked.popen(
            [
                *program,
                str(control.settings.home),
                spent.account_id,
                spent.id,
                tmp_path / "asked",
                *arguments,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | control.environ,
        )
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def let_go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def token_requests(tmp_path):
    return (tmp_path / "asked").read_text().count("asked")


def test_five_hundred_callers_of_three_processes_make_one_token(control, spent, start, tmp_path):
    """R1."""
    processes = [start("167") for _ in range(3)]
    for process in processes:
        let_go(process)
    said = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert token_requests(tmp_path) == 1
    [token] = said  # And each process gave all its callers the same.
    assert token.startswith("1000.") and " " not in token
    assert control.run(control.rooms.vault.get(spent.id, "access_token")).value == token


@pytest.mark.slow
def test_six_processes_race_for_renewals_and_each_is_made_once(control, spent, start, tmp_path):
    processes = [start("rounds") for _ in range(6)]
    for process in processes:
        let_go(process)
    token = access(control, spent).value
    for number in range(1, 61 if control.environ else 21):
        for process in processes:
            print(token, file=process.stdin, flush=True)
        before, said = token, {process.stdout.readline().strip() for process in processes}
        [token] = said
        assert token != before and token_requests(tmp_path) == number
    for process in processes:
        print(file=process.stdin, flush=True)
    assert [process.wait(30) for process in processes] == [0] * 6


def stands(control, spent):
    """After a process was killed and its lease and budget have ended, another process has a token that works."""
    with closing(Control(control.settings.home, control.environ)) as later:
        clock = FrozenClock(datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS + WINDOW))
        for part in (later.rooms.database, later.rooms.tokens, later.rooms.crm.accounts):
            part._clock = clock
        connection = read_again(later, spent)
        assert connection.status == "ACTIVE"
        assert later.run(later.rooms.tokens.revocable(connection)).startswith("1000.")
        token = access(later, connection, instead_of=access(later, connection).value)
        assert later.crm.accounts.principal(f"Bearer {token.value}")
        return True


@pytest.mark.parametrize("point", POINTS)
def test_a_process_that_is_killed_loses_no_refresh_token_and_leaves_nothing_half(
    control, spent, start, point, tmp_path
):
    """R2."""
    process = start("1", point)
    let_go(process)
    assert process.wait(30) == -9
    assert token_requests(tmp_path) >= 1
    assert stands(control, spent)


@pytest.mark.slow
@pytest.mark.parametrize("milliseconds", [5, 37, 71, 123])
def test_a_process_that_is_killed_at_any_time_loses_nothing(control, spent, start, milliseconds):
    """R2."""
    process = start("1", "at any time")
    let_go(process)
    time.sleep(milliseconds / 1000)
    process.kill()
    assert process.wait(30) == -9
    assert stands(control, spent)
