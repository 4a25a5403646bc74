"""`moorage mcp`: connects an agent. Its program starts this command, and its configuration is written by `install`."""

from moorage.cli.mcp.group import commands

__all__ = ["commands"]
