"""The operator's door: commands that work on the data folder itself, whether or not a server runs on it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from moorage.cli import reach
from moorage.serve.home import prepare

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from moorage.operator import Operator

T = TypeVar("T")


def operate(home: Path | None, act: "Callable[[Operator], Awaitable[T]]") -> T:
    """Open the data folder, act on it, close it. Raises SettingsInvalid, HomeUnusable, and what `act` raises."""
    # The rooms behind the door take a while to load, and most commands do not need them.
    from moorage.operator import open_operator  # noqa: PLC0415
    from moorage.serve.logs import quiet_logs  # noqa: PLC0415

    quiet_logs()
    settings = reach.settings(home)
    prepare(settings.home)

    async def opened() -> T:
        async with open_operator(settings) as operator:
            return await act(operator)

    return asyncio.run(opened())
