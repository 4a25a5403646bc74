"""One call of a tool: for whom it is made, and how it calls the gateway."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from moorage.digests import digest_of
from moorage.http.errors import own_error
from moorage.http.inside import InsideAnswer, InsideCalls, content_of, with_query
from moorage.http.message import Headers
from moorage.keys.model import Principal
from moorage.mcp.accounts import Accounts
from moorage.mcp.errors import Held, ToolFailed
from moorage.mcp.memory import Memory
from moorage.mcp.rights import Rights
from moorage.mcp.texts import as_text
from moorage.policies import Kind

_READS = frozenset({"GET", "HEAD"})
# What stays as it is in a path and in a query that an agent wrote; `%` because they may be encoded already.
_IN_PATH = "/%:@!$&'()*+,;=~"
_IN_QUERY = f"{_IN_PATH}?"
MOST = 8 * 1024 * 1024  # Bytes of an answer that a tool reads.


class Answer(msgspec.Struct, frozen=True):
    """The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON of the body; None if it has none. Raises ToolFailed."""
        if not self.body:
            return None
        try:
            return msgspec.json.decode(self.body)
        except (ValueError, RecursionError):
            raise ToolFailed(
                "The answer is not JSON.", step="Use call_api, which shows it as it is."
            ) from None


@dataclass(slots=True)
class Session:
    """`authorization` proves the key in calls within this process. `account` is the one that the server's path names.

    `client` is the address of the agent, and `headers` are those of its request. Calls get `nonce` as the beginning of
    their Idempotency-Key, so that a tool may be run again after a person has approved its call. It may not be if it
    `has_changed` something before: an app may do that twice. `memory` is that of the process, and `apps` gives the
    names of all apps.
    """

    principal: Principal
    authorization: str = field(repr=False)
    calls: InsideCalls = field(repr=False)
    rights: Rights = field(repr=False)
    client: tuple[str, int]
    headers: Mapping[str, str] = field(repr=False)
    accounts: Accounts = field(repr=False)
    account: str | None = None
    nonce: str | None = None
    memory: Memory = field(default_factory=Memory, repr=False)
    apps: Callable[[], Collection[str]] = field(default=tuple, repr=False)
    has_changed: bool = False
    _made: int = 0

    def header(self, name: str) -> str | None:
        """A header of the agent's request."""
        return self.headers.get(name)

    async def kinds(self) -> Collection[Kind]:
        """The kinds of calls that the key may make: through the account of the path, or through any.

        Raises the errors of `Rights.kinds`.
        """
        return await self.rights.kinds(self.principal, self.account)

    async def app(
        self,
        account: str | None,
        method: str,
        path: str,
        *,
        app: str = "zoho-crm",
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Headers | None = None,
        keeps_errors: bool = False,
    ) -> Answer:
        """A call of an app, through an account of this name. `path` is the app's own, and encoded already.

        Raises Held if a person has to approve it, and ToolFailed for any refusal; with `keeps_errors`, an error of the
        app is an answer as any other.
        """
        named = self.account or account
        more = [] if named is None else [(b"Maton-Connection", _header("account", named))]
        more.append((b"Prefer", b"respond-async"))
        more.extend(headers or [])
        answer = await self._call(method, f"/{app}{path}", query, body, more, keeps_errors=keeps_errors)
        if answer.status == 202 and "preference-applied" in answer.headers:
            raise Held(answer.document["approval"])
        self.has_changed |= method not in _READS
        return answer

    async def control(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        keeps_errors: bool = False,
    ) -> Answer:
        """A call of the control API. Raises ToolFailed for any refusal; `keeps_errors` is as in `app`."""
        return await self._call(method, path, query, body, [], keeps_errors=keeps_errors)

    def _repeatable(self, method: str, target: str, headers: Headers) -> Headers:
        """The Idempotency-Key by which a call is known if the tool is run again. One that the agent gave goes before.

        What changes something is known by its place, as it may be another call the next time, which must not be made.
        """
        if self.nonce is None or any(name.lower() == b"idempotency-key" for name, _ in headers):
            return []
        if method in _READS:
            return [(b"Idempotency-Key", f"{self.nonce}.{digest_of(target).hex()[:16]}".encode())]
        self._made += 1
        return [(b"Idempotency-Key", f"{self.nonce}.{self._made}".encode())]

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        headers: Headers,
        *,
        keeps_errors: bool = False,
    ) -> Answer:
        target, data = with_query(path, query), content_of(body)
        always = [(b"Authorization", self.authorization.encode("latin-1")), (b"Accept", b"application/json")]
        if data and not any(name.lower() == b"content-type" for name, _ in headers):
            always.append((b"Content-Type", b"application/json"))
        forwarded = self.header("x-forwarded-for")
        if forwarded is not None:
            always.append((b"X-Forwarded-For", forwarded.encode("latin-1")))
        always.extend(self._repeatable(method, target, headers))
        inside = await self.calls.call(
            method, target, [*always, *headers], data, client=self.client, most=MOST
        )
        return _checked(inside, keeps_errors=keeps_errors)


def _checked(inside: InsideAnswer, *, keeps_errors: bool) -> Answer:
    answer = Answer(inside.status, inside.texts(), inside.body)
    if not inside.is_whole:
        raise ToolFailed(
            f"The answer has more than {MOST:,} bytes.", step="Ask for less: fewer fields, or fewer records."
        )
    if inside.status >= 400 and not (keeps_errors and _is_of_app(answer)):
        raise failure_of(answer)
    return answer


def _is_of_app(answer: Answer) -> bool:
    """Whether an error is the app's, and not the gateway's own."""
    return answer.headers.get("moorage-error-source") != "gateway"


def failure_of(answer: Answer) -> ToolFailed:
    """The error of Moorage or of the app, in a line."""
    try:
        document = answer.document
    except ToolFailed:
        document = None
    own = None if _is_of_app(answer) else own_error(document)
    if own is not None:
        return ToolFailed(own.message, step=own.help or None, code=own.code)
    document = document if isinstance(document, dict) else {}
    code, message = document.get("code"), document.get("message")
    told = f"The app answered {answer.status}"
    if isinstance(message, str):
        told = f"{told}: {message}"
    details = document.get("details")
    if isinstance(details, dict) and details:
        told = f"{told} ({', '.join(f'{name}: {_short(value)}' for name, value in details.items())})"
    return ToolFailed(
        told,
        code=code if isinstance(code, str) else None,
        details=details if isinstance(details, dict) else None,
    )


def _short(value: Any) -> str:
    text = as_text(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _header(name: str, value: str) -> bytes:
    """The value of a header. Raises ToolFailed for a text that can't be one."""
    if not value.isascii() or not value.isprintable():
        raise ToolFailed(f"{name} can't be {value[:80]!r}.", step="list_accounts shows the names.")
    return value.encode("ascii")


def target_of(path: str, query: Mapping[str, str]) -> str:
    """A path as an agent wrote it, maybe with a query, and more of the query: percent-encoded where they are not."""
    path, mark, own = path.partition("?")
    parts = [quote(own, safe=_IN_QUERY)] if own else []
    if query:
        parts.append(urlencode(query, quote_via=quote))
    return quote(path, safe=_IN_PATH) + ("?" + "&".join(parts) if mark or parts else "")


def segments(*parts: str) -> str:
    """A path of these segments, each percent-encoded, such as /crm/v8/Leads/1."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)
