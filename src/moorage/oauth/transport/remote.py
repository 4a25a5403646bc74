"""Sends calls to remote accounts servers and APIs, over verified TLS, without redirects or cookies."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from moorage import __version__
from moorage.addresses import Addresses, NotAllowed
from moorage.oauth.transport.contract import HttpCall, HttpReply, Unanswered
from moorage.proxies import Proxies, Proxy

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 9.0  # Shorter than the time limit of a renewal, so that the renewal can report the reason.
MAX_ANSWER = 1024 * 1024


class RemoteTransport:
    """The first call makes the session, because most processes make no call, and the library loads slowly.

    With `addresses`, calls go only to those: for URLs that a caller has chosen. Answers have up to `longest` bytes.
    `proxies` says through which proxy a host is reached.
    """

    def __init__(
        self, addresses: Addresses | None = None, longest: int = MAX_ANSWER, proxies: Proxies | None = None
    ) -> None:
        self._addresses = addresses
        self._longest = longest
        self._proxies = proxies or Proxies()
        self._session: Any = None
        self._proxied_session: Any = None

    async def send(self, call: HttpCall) -> HttpReply:
        """Send the call and return the reply. Raises Unanswered."""
        parts = urlsplit(call.url)
        host, proxy = parts.hostname or "", None
        if self._addresses is not None and self._addresses.refuses(host):
            raise Unanswered(f"{host} is an address that is not allowed.", sent=False)
        try:
            port = parts.port or {"http": 80}.get(parts.scheme, 443)
            proxy = self._proxies.of(parts.scheme, host, port)
            if proxy is None:
                session, way = self._direct(), _Way(call.url)
            else:
                session, way = self._through_proxy(), await self._way(proxy, call.url, host, port)
            async with session.request(
                call.method,
                way.url,
                headers={**call.headers, **way.headers},
                data=call.body or None,
                allow_redirects=False,
                **way.options,
            ) as answer:
                body = await _limited(answer.content, self._longest)
                return HttpReply(answer.status, body, _date(answer.headers.get("Date")))
        except Exception as error:
            unanswered = _unanswered(error, host, proxy)
            if unanswered is None:
                raise
            raise unanswered from error

    def _direct(self) -> Any:
        if self._session is None:
            connector = None if self._addresses is None else self._addresses.connector()
            self._session = _new_session(connector)
        return self._session

    def _through_proxy(self) -> Any:
        import aiohttp  # noqa: PLC0415

        if self._proxied_session is None:
            # A connection to a checked address is for one name. It must not be used again for another name there.
            connector = None if self._addresses is None else aiohttp.TCPConnector(force_close=True)
            self._proxied_session = _new_session(connector)
        return self._proxied_session

    async def _way(self, proxy: Proxy, url: str, host: str, port: int) -> "_Way":
        """How a URL is asked for through a proxy. Raises NotAllowed and OSError if its address has to be checked."""
        options: dict[str, Any] = {"proxy": f"http://{proxy.name}"}
        headers: dict[str, str] = {}
        if proxy.authorization is not None:
            user = {"Proxy-Authorization": proxy.authorization.decode("ascii")}
            if url.startswith("https:"):  # Only the proxy reads the request for a tunnel.
                options["proxy_headers"] = user
            else:
                headers |= user
        if self._addresses is None:
            return _Way(url, headers, options)
        # The proxy gets the very address that was checked, and not the name, which may stand for another one there.
        parts, [address, *_] = urlsplit(url), await self._addresses.look_up(host, port)
        shown = f"[{address}]" if ":" in address else address
        at = parts._replace(netloc=shown if parts.port is None else f"{shown}:{parts.port}").geturl()
        return _Way(at, headers | {"Host": parts.netloc}, options | {"server_hostname": host})

    async def close(self) -> None:
        if self._addresses is not None:
            self._addresses.close()
        for session in (self._session, self._proxied_session):
            if session is not None:
                await session.close()


@dataclass(frozen=True, slots=True)
class _Way:
    """What the library is told of where a call goes."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


def _unanswered(error: Exception, host: str, proxy: Proxy | None) -> Unanswered | None:
    """What it means that a call failed; None for an error that nobody expects."""
    import aiohttp  # noqa: PLC0415

    through = "" if proxy is None else f"the proxy {proxy.name}"
    match error:
        case NotAllowed():
            return Unanswered(f"{error}.", sent=False)
        case aiohttp.ClientProxyConnectionError():
            return Unanswered(f"{host} could not be reached: {through} can't be reached.", sent=False)
        case aiohttp.ClientHttpProxyError():
            reason = f"{through} refuses to connect to it, with the status {error.status}"
            return Unanswered(f"{host} could not be reached: {reason}.", sent=False)
        case socket.gaierror():  # Of a look-up before a proxy is asked.
            return Unanswered(f"{host} could not be reached: its name is not known.", sent=False)
        case aiohttp.ClientConnectionError():
            # Without a connection, no request was sent. The text of a connector error has only hosts and reasons.
            sent = not isinstance(error, aiohttp.ClientConnectorError)
            reason = str(error) if not sent else "the connection ended"
            return Unanswered(f"{host} could not be reached: {reason}.", sent=sent)
        case TimeoutError():
            return Unanswered(f"{host} did not answer in time.", sent=True)
        case aiohttp.ClientError() | ValueError():
            return Unanswered(f"{host} sent something that is not an HTTP answer.", sent=True)
        case _:
            return None


def _new_session(connector: Any) -> Any:
    import aiohttp  # noqa: PLC0415

    return aiohttp.ClientSession(
        headers={"User-Agent": f"moorage/{__version__}", "Accept": "application/json"},
        timeout=aiohttp.ClientTimeout(total=WHOLE_SECONDS, sock_connect=CONNECT_SECONDS),
        connector=connector,
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
