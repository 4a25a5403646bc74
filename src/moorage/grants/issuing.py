"""Makes tokens for codes and for refresh tokens, and takes them back (RFC 6749, RFC 7009, RFC 9700)."""

import hmac
import secrets
from collections.abc import Awaitable, Callable

from moorage.acting import act_as
from moorage.clock import SKEW, is_ahead, lately
from moorage.digests import challenge_of, digest_of
from moorage.grants import store
from moorage.grants.errors import Refused
from moorage.grants.model import (
    ACCESS_SECONDS,
    CODE_SECONDS,
    LEEWAY_SECONDS,
    REFRESH_SECONDS,
    SECOND,
    Code,
    Grant,
    Issued,
    Token,
)
from moorage.grants.service import Grants
from moorage.grants.tokens import Kind, is_formed, new_token, successor
from moorage.keys.model import ApiKey
from moorage.storage import Database, Transaction

ACCESS_TOKENS = 10  # Of one grant. The oldest goes for the next one.


class Issuing:
    """Transactions are serial, across all processes: no code and no refresh token is used twice unnoticed.

    Whoever sends what is not ours causes no writing transaction.
    """

    def __init__(self, database: Database, grants: Grants) -> None:
        self._database = database
        self._grants = grants

    async def exchange(
        self, code: str, client_id: str, redirect_uri: str, verifier: str, resource: str | None
    ) -> Issued:
        """Tokens for a code. Raises Refused.

        A code that is used a second time, or that comes with what does not fit to it, ends its grant: somebody else may
        have it.
        """
        if not await self._is_known("ac", code, store.code):
            raise _not_this_code()
        digest = digest_of(code)
        async with self._database.transaction(quiet=True) as tx:
            kept = await store.code(tx, digest)
            found = None if kept is None else await self._grants.live(tx, kept.grant_id)
            if kept is None or found is None:
                raise _not_this_code()
            grant, key = found
            is_its = (grant.client_id, kept.redirect_uri) == (client_id, redirect_uri)
            is_proved = hmac.compare_digest(challenge_of(verifier), kept.challenge)
            if is_its and is_proved and resource in {None, grant.resource} and _is_fresh(kept, tx.now):
                await store.use_code(tx, digest)
                refresh_token = new_token("rt")
                await self._keep(tx, "rt", refresh_token, grant, key)
                return await self._issued(tx, grant, key, refresh_token)
        await self._end(grant, "an authorization code was used twice, or by somebody else")
        raise _not_this_code()

    async def refresh(self, refresh_token: str, client_id: str, resource: str | None) -> Issued:
        """New tokens for a refresh token, which is used up. Raises Refused.

        A refresh token that was used up ends its grant, unless the program may not have got our answer.
        """
        if not await self._is_known("rt", refresh_token, store.token):
            raise _not_this_token()
        digest = digest_of(refresh_token)
        async with self._database.transaction(quiet=True) as tx:
            kept = await store.token(tx, digest)
            lasts = kept is not None and is_ahead(kept.ends_at, tx.now, (REFRESH_SECONDS + SKEW) * SECOND)
            found = await self._grants.live(tx, kept.grant_id) if kept is not None and lasts else None
            if kept is None or kept.kind != "rt" or found is None or found[0].client_id != client_id:
                raise _not_this_token()
            grant, key = found
            if resource not in {None, grant.resource}:
                raise Refused("invalid_target", "The refresh token is for another resource.")
            following = await self._following(tx, refresh_token, kept, grant, key)
            if following is not None:
                return await self._issued(tx, grant, key, following)
        await self._end(grant, "a refresh token was used twice")
        raise _not_this_token()

    async def _is_known(
        self, kind: Kind, text: str, find: Callable[[Transaction, bytes], Awaitable[object]]
    ) -> bool:
        """Whether a code or a token is ours. What has not the form of one is not even looked for."""
        if not is_formed(kind, text):
            return False
        async with self._database.reading() as tx:
            return await find(tx, digest_of(text)) is not None

    async def _following(
        self, tx: Transaction, refresh_token: str, kept: Token, grant: Grant, key: ApiKey
    ) -> str | None:
        """The refresh token that follows; None if this one was used up.

        For some seconds it may come again, if nobody has used the following one yet: then it gives the same one.
        Whoever else may have got that, too, is found out as soon as both use it.
        """
        if kept.replaced_at is None:
            nonce = secrets.token_bytes(32)
            following = successor(refresh_token, nonce)
            await store.replace_token(tx, digest_of(refresh_token), digest_of(following), nonce)
            await self._keep(tx, "rt", following, grant, key)
            return following
        may_be_lost = lately(kept.replaced_at, tx.now, LEEWAY_SECONDS * SECOND)
        return successor(refresh_token, kept.nonce) if kept.nonce is not None and may_be_lost else None

    async def _issued(self, tx: Transaction, grant: Grant, key: ApiKey, refresh_token: str) -> Issued:
        access_token = new_token("at")
        ends_at = await self._keep(tx, "at", access_token, grant, key)
        await store.keep_newest(tx, grant.id, "at", ACCESS_TOKENS)
        await store.note_client_used(tx, grant.client_id)
        return Issued(access_token, refresh_token, (ends_at - tx.now) // SECOND)

    async def _keep(self, tx: Transaction, kind: str, token: str, grant: Grant, key: ApiKey) -> int:
        """Store a token, which lasts no longer than the key. Returns its end."""
        seconds = ACCESS_SECONDS if kind == "at" else REFRESH_SECONDS
        ends_at = tx.now + seconds * SECOND
        if key.expires_at is not None:
            ends_at = min(ends_at, int(key.expires_at.timestamp() * SECOND))
        await store.add_token(tx, digest_of(token), Token(grant.id, kind, ends_at))
        return ends_at

    async def _end(self, grant: Grant, reason: str) -> None:
        act_as("server", None, None, grant.account_id)
        await self._grants.end(grant.id, reason)

    async def revoke(self, token: str, client_id: str | None) -> None:
        """Take a token back: with a refresh token the whole grant. It is no error if there is no such token.

        Raises Refused for a token of another program.
        """
        if not is_formed("at", token) and not is_formed("rt", token):
            return
        digest = digest_of(token)
        async with self._database.reading() as tx:
            kept = await store.token(tx, digest)
            grant = None if kept is None else await store.grant(tx, kept.grant_id)
        if kept is None or grant is None:
            return
        if client_id not in {None, grant.client_id}:
            raise Refused("invalid_client", "The token is another program's.")
        if kept.kind == "rt":
            act_as("key", grant.key_id, grant.client_name, grant.account_id)
            await self._grants.end(grant.id, "the program has ended it")
            return
        async with self._database.transaction() as tx:
            await store.remove_token(tx, digest)
        self._grants.clear()


def _is_fresh(code: Code, now: int) -> bool:
    return code.used_at is None and is_ahead(code.ends_at, now, (CODE_SECONDS + SKEW) * SECOND)


def _not_this_code() -> Refused:
    return Refused("invalid_grant", "The code is unknown, used or too old, or belongs to another request.")


def _not_this_token() -> Refused:
    return Refused("invalid_grant", "The refresh token is unknown, used up or too old, or another program's.")
