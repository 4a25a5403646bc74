"""A process of its own that asks for a token of one connection; what is written to `log` was asked for upstream.

    python -m tests.oauth.one_process HOME ACCOUNT CONNECTION LOG CALLERS [POINT]

With `rounds` for CALLERS it asks for another token than each one that it reads. With a POINT it asks for one new token
after the other and kills itself there, or is killed.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from moorage.clock import SystemClock
from moorage.oauth.tokens import renewal
from moorage.rooms import Rooms, Urls
from moorage.settings import load

POINTS = (
    "before it is asked",
    "once it has answered",
    "between two writes",
    "before the commit",
    "afterwards",
)


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def of_database():
    """The settings of the environment that say which database it is."""
    names = "MOORAGE_DATABASE_URL", "MOORAGE_VAULT_KEY"
    return {name: os.environ[name] for name in names if name in os.environ}


def note(log):
    with Path(log).open("a") as file:
        file.write("asked\n")


async def main(home, account, connection_id, log, callers, point=None):
    rooms = Rooms(
        load(of_database(), home=Path(home)), Urls("http://gateway.test", "http://crm.test"), SystemClock()
    )
    renewals = rooms.tokens._renewals
    real = renewals._refresh

    async def refresh(connection, refresh_token):
        note(log)
        if point == POINTS[0]:
            kill()
        if point is None and callers != "rounds":
            await asyncio.sleep(0.2)
        minted = await real(connection, refresh_token)
        if point == POINTS[1]:
            kill()
        return minted

    renewals._refresh = refresh
    connection = await rooms.connections.get(account, connection_id)
    print("ready", flush=True)
    sys.stdin.readline()
    if callers == "rounds":
        await in_rounds(rooms, connection)
    elif point is None:
        tokens = await asyncio.gather(*(rooms.tokens.access(connection) for _ in range(int(callers))))
        print(*{token.value for token in tokens}, flush=True)
        await rooms.close()
    else:
        await until_killed(rooms, connection, point)


async def in_rounds(rooms, connection):
    """Ask for another token than each one that is read."""
    renewal.BUDGET = 10**9
    while token := (await asyncio.to_thread(sys.stdin.readline)).strip():
        print((await rooms.tokens.access(connection, instead_of=token)).value, flush=True)
    await rooms.close()


async def until_killed(rooms, connection, point):
    renewals, put_in = rooms.tokens._renewals, rooms.vault.put_in

    async def put_and_die(*arguments):
        await put_in(*arguments)
        kill()

    async def move_and_die(*_):
        kill()

    if point == POINTS[2]:
        rooms.vault.put_in = put_and_die
    if point == POINTS[3]:
        renewals._moved = move_and_die
    renewal.BUDGET = 10**9
    token = None
    while True:
        token = (await rooms.tokens.access(connection, instead_of=token)).value
        if token is not None and point == POINTS[4]:
            kill()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
