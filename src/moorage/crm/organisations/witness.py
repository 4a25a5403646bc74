"""Tells of each change of a whole organisation, before it is made.

An organisation has a database of its own, so who notes the change can't do so in its transaction. To tell before means
that no change is ever without a note, even if the process is killed.
"""

from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

from moorage.storage.errors import DatabaseUnusable

# Is told what happens, as in `organisation.reset`, the short name of the organisation, and details.
Tell: TypeAlias = Callable[[str, str, Mapping[str, Any]], Awaitable[None]]


async def _nobody(_action: str, _slug: str, _facts: Mapping[str, Any]) -> None:
    """Nobody has to be told."""


class Witness:
    def __init__(self) -> None:
        self.tell: Tell = _nobody

    @asynccontextmanager
    async def of(self, change: str, slug: str, **facts: Any) -> AsyncIterator[None]:
        """Tell of a change, which is made within the block. If it fails, that is told, too."""
        await self.tell(f"organisation.{change}", slug, facts)
        try:
            yield
        except (Exception, CancelledError) as error:
            with suppress(DatabaseUnusable):
                reason = getattr(error, "code", type(error).__name__)
                await self.tell("organisation.failed", slug, {"change": change, "reason": reason})
            raise
