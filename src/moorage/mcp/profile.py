"""A set of tools at one path."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from moorage.access import Principal
from moorage.mcp.answers import Told
from moorage.mcp.errors import Held
from moorage.mcp.held import told_of
from moorage.mcp.tool import Tool


@dataclass(frozen=True)
class Profile:
    """`instructions` tell an agent in a few sentences how to begin. `waiting` words a call that waits for a person."""

    name: str
    instructions: str
    tools: Sequence[Tool[Any]]
    waiting: Callable[[Held], Told] = told_of

    @cached_property
    def by_name(self) -> dict[str, Tool[Any]]:
        return {tool.name: tool for tool in self.tools}

    @cached_property
    def scopes(self) -> Sequence[str]:
        """The scopes of the tools, if all have one; empty if policies decide about some of them."""
        scopes = [tool.scope for tool in self.tools if tool.scope is not None]
        return scopes if len(scopes) == len(self.tools) else []

    def require(self, principal: Principal) -> None:
        """Raises ScopeMissing for a key that has the scope of none of the tools, if all of them have one."""
        if self.scopes and not any(principal.may(scope) for scope in self.scopes):
            principal.require(self.scopes[0])
