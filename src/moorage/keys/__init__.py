"""Who calls: accounts, their API keys, and how fast each may call."""

from moorage.keys.model import ApiKey, Principal

__all__ = ["ApiKey", "Principal"]
