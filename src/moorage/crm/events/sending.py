"""Sends notifications: one POST each, to an address that is allowed, without redirects, cookies or proxies."""

from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from moorage import __version__
from moorage.addresses import Addresses, NotAllowed

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 10.0


class Undelivered(Exception):
    """The receiver has not said that it has the notification. The text gives the reason, without the address."""


class Sender:
    """The first notification makes the session, because most processes send none, and the library loads slowly."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._session: Any = None

    async def post(self, url: str, body: bytes) -> None:
        """Return when the receiver has answered with a status of 200 to 299. Raises Undelivered.

        Nothing else of the answer is read.
        """
        import aiohttp  # noqa: PLC0415

        if self._addresses.refuses(urlsplit(url).hostname or ""):
            raise Undelivered("the operator does not allow this address")
        if self._session is None:
            self._session = _new_session(self._addresses)
        try:
            async with self._session.post(url, data=body, allow_redirects=False) as answer:
                status = answer.status
                answer.close()
        except NotAllowed as error:
            raise Undelivered(f"{error}") from error
        except TimeoutError as error:
            raise Undelivered("there was no answer in time") from error
        except aiohttp.ClientConnectorError as error:
            raise Undelivered("no connection could be made") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Undelivered(f"there was no sound answer ({type(error).__name__})") from error
        if not 200 <= status < 300:
            raise Undelivered(f"the receiver answered {status}")

    async def use(self, allowed: Collection[str]) -> None:
        """Send only to these addresses from now on, also over connections that were kept."""
        self._addresses.use(allowed)
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def close(self) -> None:
        self._addresses.close()
        if self._session is not None:
            await self._session.close()


def _new_session(addresses: Addresses) -> Any:
    import aiohttp  # noqa: PLC0415

    return aiohttp.ClientSession(
        headers={"User-Agent": f"moorage/{__version__}", "Content-Type": "application/json;charset=UTF-8"},
        timeout=aiohttp.ClientTimeout(total=WHOLE_SECONDS, sock_connect=CONNECT_SECONDS),
        connector=addresses.connector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
