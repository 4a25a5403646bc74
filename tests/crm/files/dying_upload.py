"""A process that dies in an upload: python -m tests.crm.files.dying_upload POINT FOLDER URL ORGANISATION TOKEN PATH

`URL` is that of the database with the records.
"""

import os
import signal
import sys
from pathlib import Path

from moorage.clock import FrozenClock
from moorage.crm.api.files import attachments
from moorage.crm.files import keeping
from tests.crm.conftest import BEGIN, Caller
from tests.crm.folder import crm_on_server
from tests.crm.uploads import upload
from tests.waited import Waited

DATA = b"high at 4, low at 10"


def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)


async def between_two_transactions(call, content, parts, add=keeping._add):
    await add(call, content, parts)
    kill()


def in_the_last_transaction(*arguments, attach=attachments.attach):
    attach(*arguments)
    kill()


POINTS = {
    "between": (keeping, "_add", between_two_transactions),
    "last": (attachments, "attach", in_the_last_transaction),
}


def in_small_parts(setting):
    """`setting` is `setattr`, or that of a test."""
    setting(keeping, "PART_SIZE", 4)
    setting(keeping, "AT_ONCE", 2)


def main(point, folder, url, organisation, token, path):
    in_small_parts(setattr)
    setattr(*POINTS[point])
    service = Waited(crm_on_server(Path(folder), url, FrozenClock(BEGIN)))
    upload(Caller(service, token, int(organisation)), path, DATA)


if __name__ == "__main__":
    main(*sys.argv[1:])
