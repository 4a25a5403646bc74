"""Page tokens: signed positions in a list. A token is valid for one user and for the parameters of the first page.

A token names the last record of a page, not its number. So whoever reads page by page misses no record and sees none
twice, while others insert and delete. Zoho's limits: 2,000 records by `page`, 100,000 by token; a token is valid for
24 hours [Z get-records] and has at most 96 characters [Z examples].
"""

import base64
import hashlib
import hmac
import struct
from collections.abc import Mapping

import msgspec

from moorage.clock import SKEW, is_ahead
from moorage.crm.faults import Fault
from moorage.crm.storage.contract.records import Position
from moorage.digests import base64url

BY_PAGE_LIMIT = 2_000
BY_TOKEN_LIMIT = 100_000
LIFETIME = 24 * 3600

_FORMAT = struct.Struct(">BBQIqq8s")  # version, flags, expiry, page, key, id, digest of the parameters
_MAC_SIZE = 12
_VERSION = 2
_BACKWARDS, _HAS_KEY = 1, 2
_IGNORED = frozenset({"page_token", "page"})


class PagePosition(msgspec.Struct, frozen=True):
    """The position at which a page begins, or ends if it is read backwards; its number; and when its token expires."""

    position: Position
    number: int
    backwards: bool
    expires_at: int


class PageTokens:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, page: PagePosition, scope: bytes) -> str:
        """A token for a page. `scope` is the result of `bound_to` for the request."""
        key = page.position.key
        flags = (_BACKWARDS if page.backwards else 0) | (_HAS_KEY if key is not None else 0)
        body = _FORMAT.pack(_VERSION, flags, page.expires_at, page.number, key or 0, page.position.id, scope)
        return base64url(body + self._mac(body))

    def read(self, token: str, scope: bytes, now: float) -> PagePosition:
        """The page of a token. Raises the fault of a token that is forged, expired, or made for other parameters."""
        body = self._authentic(token)
        if body is None:
            raise _mismatch()
        _, flags, expires_at, number, key, record, bound = _FORMAT.unpack(body)
        if bound != scope:
            raise _mismatch()
        if not is_ahead(expires_at, now, LIFETIME + SKEW):
            details = {"api_name": "page_token", "json_path": "$.query.page_token"}
            raise Fault(400, "EXPIRED_VALUE", "Page token expired", details)
        position = Position(key if flags & _HAS_KEY else None, record)
        return PagePosition(position, number, bool(flags & _BACKWARDS), expires_at)

    def _authentic(self, token: str) -> bytes | None:
        if len(token) > 96 or not token.isascii():
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except ValueError:
            return None
        body, mac = raw[: _FORMAT.size], raw[_FORMAT.size :]
        if len(body) != _FORMAT.size or not hmac.compare_digest(mac, self._mac(body)):
            return None
        return body

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_MAC_SIZE]


def bound_to(organisation: int, user: int, module: str, params: Mapping[str, str]) -> bytes:
    """Eight bytes that are different for each user, list and set of parameters."""
    digest = hashlib.blake2b(f"{organisation} {user} {module}".encode(), digest_size=8)
    for name in sorted(params):
        if name not in _IGNORED:
            digest.update(f"\0{name}\0{params[name]}".encode("utf-8", "surrogatepass"))
    return digest.digest()


def refuse_beyond(page: int, per_page: int, *, by_token: bool) -> None:
    """Raise the fault for a page behind the last page that Zoho gives by number, or by token."""
    if by_token and page * per_page > BY_TOKEN_LIMIT:
        message = "You can only get upto 100000 records using page_token param"
        raise Fault(400, "PAGINATION_LIMIT_EXCEEDED", message, {"param_name": "page_token"})
    if not by_token and page * per_page > BY_PAGE_LIMIT:
        message = "You can only get the first 2000 records without using page_token param"
        raise Fault(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", message, {"limit": BY_PAGE_LIMIT})


def _mismatch() -> Fault:
    message = "The page_token given seems to be invalid or input param is added or altered or deleted"
    return Fault(400, "TOKEN_BOUND_DATA_MISMATCH", message, {"param_name": "page_token"})
