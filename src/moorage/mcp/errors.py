"""What stops a tool."""

from collections.abc import Mapping
from typing import Any

from moorage.errors import MoorageError


class McpMissing(MoorageError):
    """The extra that the MCP server needs is not installed."""

    code = "mcp_missing"

    def __init__(self) -> None:
        super().__init__(
            "This server has no MCP server.",
            help="Install it with `pip install 'moorage[mcp]'`, and start again.",
        )


class OriginRefused(MoorageError):
    """A page of another site has sent the request."""

    code = "origin_refused"


class ToolFailed(Exception):
    """A tool could not do what it was asked for. The agent reads the message, and the `step` that would help.

    `code` is that of the error of Moorage or of the app; None if the tool refuses by itself. `details` are those of
    the app's error.
    """

    def __init__(
        self,
        message: str,
        *,
        step: str | None = None,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.step = step
        self.code = code
        self.details: Mapping[str, Any] = details or {}


class Held(Exception):
    """A person has to approve the call. `approval` is its document, as the control API has it."""

    def __init__(self, approval: Mapping[str, Any]) -> None:
        super().__init__("A person has to approve the call.")
        self.approval = approval
