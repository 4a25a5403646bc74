"""The calls of a page: requests to the gateway's own API, within the process, with the rights of the person."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

import msgspec

from moorage.http.errors import own_error
from moorage.http.inside import Address, InsideCalls, content_of, with_query
from moorage.http.message import Headers
from moorage.keys.model import Principal

MOST = 32 * 1024 * 1024  # Bytes of an answer that a page reads.


class Refused(Exception):
    """The API refused a call, or the app answered it with an error. `status` and `document` are those of the answer.

    `help` says what to do, if that is known.
    """

    def __init__(self, status: int, code: str, message: str, help: str = "", document: Any = None) -> None:  # noqa: A002
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.help = help
        self.document = document

    @property
    def told(self) -> dict[str, str]:
        """What a page says of it, above the form that was sent."""
        return {"code": self.code, "message": self.message, "help": self.help}


class Answer(msgspec.Struct, frozen=True):
    """The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON of the body; None if it has none, or another content."""
        try:
            return msgspec.json.decode(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None


class Calls:
    """`authorization` gives the Authorization value of a caller. `client` is the address of the browser."""

    def __init__(
        self,
        inside: InsideCalls,
        authorization: Callable[[Principal], str],
        client: Address,
        forwarded_for: str | None,
    ) -> None:
        self._inside = inside
        self._authorization = authorization
        self._client = client
        self._forwarded_for = forwarded_for

    async def call(
        self,
        caller: Principal,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        keeps_errors: bool = False,
    ) -> Answer:
        """`path` is percent-encoded. A `body` that is no bytes is sent as JSON.

        Raises Refused from status 400 on, unless it `keeps_errors`, and InsideBroken.
        """
        target, data = with_query(path, query), content_of(body)
        sent = {"Accept": "application/json", **(headers or {})}
        if data and not isinstance(body, bytes):
            sent["Content-Type"] = "application/json"
        lines = self._lines(caller, sent)
        inside = await self._inside.call(method, target, lines, data, client=self._client, most=MOST)
        answer = Answer(inside.status, inside.texts(), inside.body)
        if not inside.is_whole:
            raise Refused(
                502, "answer_too_long", f"The answer has more than {MOST:,} bytes.", "Ask for less."
            )
        if answer.status >= 400 and not keeps_errors:
            raise refusal(answer)
        return answer

    def parts(
        self, caller: Principal, path: str, query: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AsyncGenerator[bytes, None]:
        """The body of the answer to a GET, as it comes, such as server-sent events."""
        return self._inside.parts(with_query(path, query), self._lines(caller, headers), client=self._client)

    def _lines(self, caller: Principal, headers: Mapping[str, str]) -> Headers:
        sent = {"Authorization": self._authorization(caller), **headers}
        if self._forwarded_for is not None:
            sent["X-Forwarded-For"] = self._forwarded_for
        return [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]


def refusal(answer: Answer) -> Refused:
    """The error of Moorage, or of the app, that an answer is."""
    document = answer.document
    own = own_error(document)
    if own is not None:
        return Refused(answer.status, own.code, own.message, own.help, document)
    found = document if isinstance(document, dict) else {}
    told = found.get("message")
    message = f"The app answered {answer.status}: {told}" if told else f"The app answered {answer.status}."
    return Refused(answer.status, str(found.get("code", "app_error")), message, "", document)
