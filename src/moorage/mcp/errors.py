"""What stops a tool."""

from collections.abc import Mapping
from typing import Any

from moorage.errors import MoorageError
from moorage.mcp.answers import Told

APPROVALS = "/approvals/"  # The subject of a held call begins so. The others are accounts to connect.


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

    @classmethod
    def of(cls, error: MoorageError) -> "ToolFailed":
        return cls(error.message, step=error.help, code=error.code)


class PersonNeeded(Exception):
    """A person has to do something on a page, before the tool can go on. `message` tells the person what.

    `subject` is the path in the control API of what the person decides about. `told` is the result for a client that
    can't open a page.
    """

    def __init__(self, message: str, link: str, subject: str, told: Told | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.link = link
        self.subject = subject
        self.told = told


class Held(PersonNeeded):
    """A person has to approve the call. `approval` is its document, as the control API has it."""

    def __init__(self, approval: Mapping[str, Any]) -> None:
        connection = approval["connection"]["name"]
        super().__init__(
            f"{approval['key']['name']} wants to {approval['words']}, through the account {connection}"
            f" ({approval['environment']}). The page shows what it would change; decide there.",
            str(approval["link"]),
            f"{APPROVALS}{approval['id']}",
        )
        self.approval = approval
