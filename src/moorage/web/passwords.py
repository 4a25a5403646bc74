"""Passwords of people, kept as hashes (Argon2id)."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

LONGEST_PASSWORD = 256


class Passwords:
    """Hashes and checks passwords.

    Hashing takes a core and much memory for a while. So it happens outside of the event loop, one hash at a time, and
    on one core: callers have the others.
    """

    def __init__(self, name: str) -> None:
        self._hasher = PasswordHasher(parallelism=1)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._dummy_hash: str | None = None

    def close(self) -> None:
        self._executor.shutdown()

    async def hashed(self, password: str) -> str:
        """The hash of a new password."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._hasher.hash, password)

    async def fits(self, hashed: str | None, password: str) -> bool:
        """True if this is the password with this hash.

        It takes as long if there is no hash, because the user has no password or is unknown.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._fits, hashed, password)

    def _fits(self, hashed: str | None, password: str) -> bool:
        if self._dummy_hash is None:
            self._dummy_hash = self._hasher.hash(secrets.token_hex())
        try:
            self._hasher.verify(hashed or self._dummy_hash, password[: LONGEST_PASSWORD + 1])
        except (Argon2Error, InvalidHashError):
            return False
        return hashed is not None
