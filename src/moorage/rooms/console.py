"""The console."""

from typing import TYPE_CHECKING

from moorage.rooms.mcp import McpRooms

if TYPE_CHECKING:
    from moorage.console.routes import Site

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class ConsoleRooms(McpRooms):
    def make_console(self) -> "Site":
        """The console, for which its code is loaded."""
        from moorage.console.site import Console

        return Console(self.inside, self.keys, self.sessions, self.urls.gateway)
