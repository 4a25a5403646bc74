"""Runs operator commands, which work on the data folder itself, with or without a running server."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from moorage.cli import context
from moorage.cli.failures import UsageError
from moorage.near import nearest
from moorage.serve.data_folder import prepare, require_posix
from moorage.serve.errors import HomeMissing, HomeUnusable
from moorage.settings.databases import is_postgresql
from moorage.storage.placing import is_unsettled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from moorage.operator import Operator
    from moorage.settings import Settings

T = TypeVar("T")


def operate(home: Path | None, act: "Callable[[Operator], Awaitable[T]]") -> T:
    """Open the data folder, run `act`, and close the folder. It has to exist, as only `up` and `init` create it.

    Raises SettingsInvalid, HomeMissing, HomeUnusable, UsageError, and the errors of `act`.
    """
    # Imported here, because the rooms load slowly, and most commands do not need them.
    from moorage.logs import quiet_logs  # noqa: PLC0415
    from moorage.operator import open_operator  # noqa: PLC0415

    require_posix()
    quiet_logs()
    settings = context.settings(home)
    require_folder(settings, named=context.is_named(home))
    prepare(settings.home)

    async def opened() -> T:
        async with open_operator(settings) as operator:
            return await act(operator)

    return asyncio.run(opened())


def require_folder(settings: "Settings", *, named: bool) -> None:
    """Check that the folder is the one that the user means. In a wrong folder, a command would change nothing useful.

    Raises UsageError, HomeMissing, SettingsInvalid.
    """
    elsewhere = None if named else context.server_elsewhere(settings)
    if elsewhere is not None:
        raise UsageError(
            f"MOORAGE_URL is {elsewhere}, but this command works on a data folder of this machine, and no folder is"
            " named",
            help=f"Run it where that server's data folder is, or name a folder with --home, such as {settings.home}.",
        )
    context.require_databases(settings)
    if is_unsettled(settings.home):
        raise HomeUnusable(
            f"A restore of {settings.home} was interrupted.",
            help="`moorage up` or `moorage restore` bring it to its end.",
        )
    if is_postgresql(settings.database_url):
        return  # It is reached from anywhere, and says itself if it is not one of Moorage.
    if not Path(settings.database_url.removeprefix("sqlite:///")).exists():
        if settings.home.exists() and not os.access(settings.home, os.R_OK | os.X_OK):
            return  # This user can't read the folder. The next step reports that.
        raise HomeMissing(
            f"There is no data folder of Moorage at {settings.home}.{_similar_folder(settings.home)}",
            help="Name another folder with --home or MOORAGE_HOME. `moorage up` and `moorage init` create one.",
        )


def _similar_folder(home: Path) -> str:
    """` Did you mean …?` with the data folder next to it that has the most similar name, or empty."""
    try:
        folders = [path.name for path in home.parent.iterdir() if (path / "moorage.db").exists()]
    except OSError:
        return ""
    folder = nearest(home.name, folders)
    return f" Did you mean {home.parent / folder}?" if folder else ""
