"""Accounts, their API keys, and the rate limit of each account."""

from moorage.keys.model import ApiKey, Principal

__all__ = ["ApiKey", "Principal"]
