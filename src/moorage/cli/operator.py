"""The operator's door: commands that work on the data folder itself, whether or not a server runs on it."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from moorage.cli import context
from moorage.cli.failures import UsageError
from moorage.near import nearest
from moorage.serve.data_folder import prepare
from moorage.serve.errors import HomeMissing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from moorage.operator import Operator
    from moorage.settings import Settings

T = TypeVar("T")


def operate(home: Path | None, act: "Callable[[Operator], Awaitable[T]]") -> T:
    """Open the data folder, act on it, close it. It has to be there: only `up` and `init` make one.

    Raises SettingsInvalid, HomeMissing, HomeUnusable, UsageError, and what `act` raises.
    """
    # The rooms behind the door take a while to load, and most commands do not need them.
    from moorage.logs import quiet_logs  # noqa: PLC0415
    from moorage.operator import open_operator  # noqa: PLC0415

    quiet_logs()
    settings = context.settings(home)
    require_folder(settings, named=context.is_named(home))
    prepare(settings.home)

    async def opened() -> T:
        async with open_operator(settings) as operator:
            return await act(operator)

    return asyncio.run(opened())


def require_folder(settings: "Settings", *, named: bool) -> None:
    """See that a command works on the folder that was meant: a key made in another is one that no server knows.

    Raises UsageError, HomeMissing.
    """
    elsewhere = None if named else context.server_elsewhere(settings)
    if elsewhere is not None:
        raise UsageError(
            f"MOORAGE_URL is {elsewhere}, but this command works on a data folder of this machine, and none is named",
            help=f"Run it where that server's data folder is, or name one with --home, such as {settings.home}.",
        )
    if not Path(settings.database_url.removeprefix("sqlite:///")).exists():
        if settings.home.exists() and not os.access(settings.home, os.R_OK | os.X_OK):
            return  # Whether it is one, nobody can tell; what opens it says why.
        raise HomeMissing(
            f"There is no data folder of Moorage at {settings.home}.{_beside(settings.home)}",
            help="Name another with --home or MOORAGE_HOME; `moorage up` makes one, and so does `moorage init`.",
        )


def _beside(home: Path) -> str:
    """The data folder beside it that is spelled most like it."""
    try:
        folders = [path.name for path in home.parent.iterdir() if (path / "moorage.db").exists()]
    except OSError:
        return ""
    found = nearest(home.name, folders)
    return f" Did you mean {home.parent / found}?" if found else ""
