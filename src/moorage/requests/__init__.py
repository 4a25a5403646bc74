"""The request log: which calls went through the gateway, and how they ended."""

from moorage.requests.notes import Caller, Note, Notes, Sent, Sheet, Source

__all__ = ["Caller", "Note", "Notes", "Sent", "Sheet", "Source"]
