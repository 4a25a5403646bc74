"""Sends calls to remote accounts servers and APIs, over verified TLS, without redirects, cookies or proxies."""

import asyncio
import contextlib
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from moorage import __version__
from moorage.addresses import Addresses, NotAllowed
from moorage.oauth.transport.contract import HttpCall, HttpReply, Unanswered

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 9.0  # Shorter than the time limit of a renewal, so that the renewal can report the reason.
MAX_ANSWER = 1024 * 1024


class RemoteTransport:
    """The first call makes the session, because most processes make no call, and the library loads slowly.

    With `addresses`, calls go only to those: for URLs that a caller has chosen. Answers have up to `longest` bytes.
    """

    def __init__(self, addresses: Addresses | None = None, longest: int = MAX_ANSWER) -> None:
        self._addresses = addresses
        self._longest = longest
        self._session: Any = None

    async def send(self, call: HttpCall) -> HttpReply:
        """Send the call and return the reply. Raises Unanswered."""
        import aiohttp  # noqa: PLC0415

        host = urlsplit(call.url).hostname
        if self._addresses is not None and self._addresses.refuses(host or ""):
            raise Unanswered(f"{host} is an address that is not allowed.", sent=False)
        if self._session is None:
            self._session = _new_session(self._addresses)
        try:
            async with self._session.request(
                call.method, call.url, headers=call.headers, data=call.body or None, allow_redirects=False
            ) as answer:
                body = await _limited(answer.content, self._longest)
                return HttpReply(answer.status, body, _date(answer.headers.get("Date")))
        except NotAllowed as error:
            raise Unanswered(f"{error}.", sent=False) from error
        except aiohttp.ClientConnectionError as error:
            # Without a connection, no request was sent. The text of a connector error contains only hosts and reasons.
            sent = not isinstance(error, aiohttp.ClientConnectorError)
            reason = str(error) if not sent else "the connection ended"
            raise Unanswered(f"{host} could not be reached: {reason}.", sent=sent) from error
        except TimeoutError as error:
            raise Unanswered(f"{host} did not answer in time.", sent=True) from error
        except (aiohttp.ClientError, ValueError) as error:
            raise Unanswered(f"{host} sent something that is not an HTTP answer.", sent=True) from error

    async def close(self) -> None:
        if self._addresses is not None:
            self._addresses.close()
        if self._session is not None:
            await self._session.close()


def _new_session(addresses: Addresses | None) -> Any:
    import aiohttp  # noqa: PLC0415

    return aiohttp.ClientSession(
        headers={"User-Agent": f"moorage/{__version__}", "Accept": "application/json"},
        timeout=aiohttp.ClientTimeout(total=WHOLE_SECONDS, sock_connect=CONNECT_SECONDS),
        connector=None if addresses is None else addresses.connector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )


async def _limited(content: Any, longest: int) -> bytes:
    body = bytearray()
    async for part in content.iter_chunked(64 * 1024):
        body += part
        if len(body) > longest:
            raise ValueError("the answer is too long")
        await asyncio.sleep(0)
    return bytes(body)


def _date(text: str | None) -> float | None:
    with contextlib.suppress(ValueError):
        return parsedate_to_datetime(text).timestamp() if text else None
    return None
