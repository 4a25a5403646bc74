"""The CRM's door: it answers the requests of both origins."""

import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from moorage.clock import Clock
from moorage.crm.accounts.server import AccountsServer
from moorage.crm.accounts.service import Accounts
from moorage.crm.api import routes
from moorage.crm.api.absent import absent_routes
from moorage.crm.centres import Site, split
from moorage.crm.faults import (
    Fault,
    api_not_supported,
    internal,
    invalid_method,
    invalid_token,
    invalid_url,
    not_undone,
    took_too_long,
)
from moorage.crm.organisations.service import Organisations
from moorage.crm.records.external_ids import handled
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import ChangesMetadata, StoreClosed, TookTooLong
from moorage.crm.trials import Trial, tried
from moorage.crm.trouble import spool_trouble, trouble_answer
from moorage.crm.versions import VERSIONS, Version
from moorage.crm.wire.call import Call, Door, Schedule, answer, fault_answer, with_headers
from moorage.crm.wire.certain import certain
from moorage.crm.wire.decoding import parameters, segments
from moorage.crm.wire.page_tokens import PageTokens
from moorage.crm.wire.principal import Principal, require_scope
from moorage.crm.wire.refusals import refusal
from moorage.crm.wire.routing import Route, Router
from moorage.http.bodies import MAX_HELD, MAX_HELD_OF_STRANGERS, Admission, Allowance, Budget
from moorage.http.errors import TooBusy
from moorage.http.message import Request, Response
from moorage.http.spool import Spool
from moorage.ids import new_request_id
from moorage.logs import Log

PREFIX = b"/crm/v8/"
_ANY_VERSION = b"/crm/"
HEALTH = b"/healthz"
MOST_TRIES = 5  # A call is tried so often if its organisation changes again and again.
MAX_FORM = 64 * 1024  # Bytes of a body from a caller without a token.
_OF_STRANGERS = (b"/oauth/", b"/.well-known/", HEALTH)
# Some paths name an area before the version, such as /crm/bulk/v8/read.
_VERSIONED = re.compile(rb"/crm/(?:[a-z_]+/)?(?P<version>v[0-9.]+)/")

T = TypeVar("T")

log = Log(__name__)


@cache
def operations() -> Router:
    """The table of all operations, which is the same for every CRM of a process."""
    return Router([*absent_routes(), *routes()])


class NotInMemory(Exception):
    """The principal or the organisation of a call is not in memory and has to be read first."""


class Crm:
    """`api_domain` is the base URL of the CRM's origin.

    A call does not wait if its principal and its organisation are in memory. Bodies that are too long for memory go to
    the folder `spool_folder`.
    """

    def __init__(
        self,
        accounts: Accounts,
        accounts_server: AccountsServer,
        organisations: Organisations,
        tokens: PageTokens,
        clock: Clock,
        api_domain: str,
        spool_folder: Path,
        schedule: Schedule,
    ) -> None:
        self._accounts = accounts
        self._accounts_server = accounts_server
        self._organisations = organisations
        self._tokens = tokens
        self._clock = clock
        self._api_domain = api_domain
        self._schedule = schedule
        self._router = operations()

        self._of_callers = Budget(MAX_HELD, Spool(spool_folder, spool_trouble))
        self._of_strangers = Allowance(MAX_FORM, Budget(MAX_HELD_OF_STRANGERS))

    def admit(self, request: Request) -> Admission | Awaitable[Admission]:
        """Decide on a request before its body is read: how long the body may be, or an answer that refuses it.

        Never raises.
        """
        try:
            return self._admitted(request)
        except (NotInMemory, StoreClosed):
            return self._admit_later(request)
        except Fault as fault:
            confirm = self._confirm_of(request)
            return _failed(fault, request) if confirm is None else self._refuse(request, fault, confirm)
        except Exception as error:  # noqa: BLE001 - whatever happens is answered in Zoho's shape
            return _failed(error, request)

    def _confirm_of(self, request: Request) -> Callable[[], Awaitable[None]] | None:
        """`RecordStore.confirm` of the organisation that a call is about, if it is known."""
        try:
            return self._organisation(self._principal(request, None)).store.confirm
        except (NotInMemory, Fault):
            return None

    async def _refuse(
        self, request: Request, fault: Fault, confirm: Callable[[], Awaitable[None]]
    ) -> Admission:
        """Refuse a body, unless the metadata by which it is refused have changed."""
        try:
            await confirm()
        except StoreClosed:
            return await self._admit_later(request)
        except Exception as error:  # noqa: BLE001 - as above
            return _failed(error, request)
        return _failed(fault, request)

    async def _admit_later(self, request: Request) -> Admission:
        try:
            return await self._again(request, None, self._admitted)
        except Exception as error:  # noqa: BLE001 - as above
            return _failed(error, request)

    def _admitted(self, request: Request) -> Allowance:
        centre, path = split(request.path)
        if path.startswith(PREFIX):
            principal = self._principal(request, centre)
            route, _ = self._permitted(request.method, path, principal, self._organisation(principal))
        elif path == b"/" or path.startswith(_OF_STRANGERS):
            return self._of_strangers
        else:
            request = replace(request, path=path)
            version, path_in_v8 = _in_version(request)
            call = self._call(request, self._principal(request, centre))
            route = self._route_of_version(version, path_in_v8, call)
        return Allowance(route.max_body, self._of_callers)

    def answer(self, request: Request, principal: Principal | None = None) -> Response | Awaitable[Response]:
        """Answer at once, or return an awaitable if the call has to wait. Never raises.

        With a `principal` it is a call of v8 that Moorage itself makes as this user.
        """
        try:
            answer = self._route(request, principal)
        except (NotInMemory, StoreClosed):
            return self._answer_later(request, principal)
        except Exception as error:  # noqa: BLE001 - whatever happens is answered in Zoho's shape
            return _failed(error, request)
        return answer if isinstance(answer, Response) else self._guarded(answer, request, principal)

    async def _guarded(
        self, waiting: Awaitable[Response], request: Request, principal: Principal | None
    ) -> Response:
        try:
            return await waiting
        except (NotInMemory, StoreClosed):
            return await self._answer_later(request, principal)
        except Exception as error:  # noqa: BLE001 - whatever happens is answered in Zoho's shape
            return _failed(error, request)

    async def _answer_later(self, request: Request, principal: Principal | None) -> Response:
        try:
            return await self._again(request, principal, lambda same: self._route(same, principal))
        except Exception as error:  # noqa: BLE001 - whatever happens is answered in Zoho's shape
            return _failed(error, request)

    async def _again(
        self, request: Request, principal: Principal | None, work: Callable[[Request], T | Awaitable[T]]
    ) -> T:
        """Read what a call needs into memory, and do its work.

        Nothing of the work was done before, because something was not in memory, or the organisation was restored,
        reset, changed or deleted. Raises StoreClosed if that happens again and again.
        """
        for _ in range(MOST_TRIES):
            with contextlib.suppress(NotInMemory, StoreClosed):
                await self._load(request, principal)
                result = work(request)
                return await result if isinstance(result, Awaitable) else result
        raise StoreClosed

    async def _load(self, request: Request, principal: Principal | None) -> None:
        """Read the principal and the organisation into memory. Raises the fault of an invalid token."""
        if principal is None:
            principal = await self._accounts.principal(request.header(b"authorization"))
        if await self._organisations.open(principal.organisation) is None:
            raise invalid_token()

    def _route(self, request: Request, principal: Principal | None) -> Response | Awaitable[Response]:
        if principal is not None:
            return self._api(request, principal)
        if request.path.startswith(PREFIX):
            return self._api(request, self._principal(request, None))
        centre, path = split(request.path)
        if centre is not None:
            request = replace(request, path=path)
        if path.startswith(PREFIX):
            return self._api(request, self._principal(request, centre))
        if path.startswith(_ANY_VERSION):
            return self._of_version(request, centre)
        answer = self._accounts_server.answer(request, Site(self._api_domain, centre))
        if answer is not None:
            return answer
        if path == HEALTH:
            return _healthy(request.method)
        raise invalid_url()

    async def answer_part(
        self,
        request: Request,
        caller: Principal,
        organisation: Organisation | None,
        schedule: Schedule | None = None,
        door: Door | None = None,
    ) -> Response:
        """See `Door`. Raises only StoreClosed."""
        try:
            if organisation is None:
                return await self._again(
                    request, caller, lambda same: self._of_part(same, caller, None, schedule, door)
                )
            result = self._of_part(request, caller, organisation, schedule, door)
            return await result if isinstance(result, Awaitable) else result
        except StoreClosed as error:
            if organisation is not None:
                raise
            return _failed(error, request)
        except Exception as error:  # noqa: BLE001 - whatever happens is answered in Zoho's shape
            return _failed(error, request)

    def _of_part(
        self,
        request: Request,
        caller: Principal,
        organisation: Organisation | None = None,
        schedule: Schedule | None = None,
        door: Door | None = None,
    ) -> Response | Awaitable[Response]:
        version, path = _in_version(request)
        call = self._call(request, caller, organisation)
        call.schedule, call.door = schedule or call.schedule, door or self
        return certain(call, lambda call: version.answer(self._route_of_version(version, path, call), call))

    async def try_out(self, request: Request) -> Trial | None:
        """What a call would change; nothing is changed. None if that can't be said now. Raises only a Fault."""
        await self._load(request, None)
        caller = self._principal(request, None)
        return await tried(self, request, caller, self._organisation(caller))

    def _api(self, request: Request, principal: Principal) -> Response | Awaitable[Response]:
        return certain(self._call(request, principal), self._of_v8)

    def _of_v8(self, call: Call) -> Response | Awaitable[Response]:
        request = call.request
        route, call.path = self._permitted(request.method, request.path, call.caller, call.organisation)
        return handled(route, call)

    def _permitted(
        self, method: str, path: bytes, principal: Principal, organisation: Organisation
    ) -> tuple[Route, Mapping[str, str]]:
        """The route of a path in v8, and the values of its placeholders. Raises the fault of a missing scope."""
        route, values = self._router.match(method, segments(path))
        _require_scopes(route, values, principal, organisation)
        return route, values

    def _of_version(self, request: Request, centre: str | None) -> Response | Awaitable[Response]:
        version, path = _in_version(request)
        call = self._call(request, self._principal(request, centre))
        return certain(call, lambda call: version.answer(self._route_of_version(version, path, call), call))

    def _route_of_version(self, version: Version, path_in_v8: bytes, call: Call) -> Route:
        """The route of a call of an older version, which is prepared for it. Raises the fault of a missing scope."""
        route, call.path = self._router.match(call.request.method, segments(path_in_v8))
        version.prepare(route, call)
        _require_scopes(route, call.path, call.caller, call.organisation)
        return route

    def _principal(self, request: Request, centre: str | None) -> Principal:
        principal = self._accounts.remembered(request.header(b"authorization"))
        if principal is None:
            raise NotInMemory
        if centre is not None and principal.centre != centre:
            raise invalid_token()
        return principal

    def _organisation(self, principal: Principal) -> Organisation:
        organisation = self._organisations.opened(principal.organisation)
        if organisation is None:
            raise NotInMemory
        return organisation

    def _call(self, request: Request, principal: Principal, organisation: Organisation | None = None) -> Call:
        """The call, as long as nobody has looked at its path. Raises the fault of a user who may not call any more."""
        organisation, now = organisation or self._organisation(principal), self._clock.timestamp()
        user = organisation.metadata.find("user", principal.user)
        if user is None or user.body["status"] != "active":
            raise invalid_token()
        params, tokens, origin = parameters(request.query), self._tokens, self._api_domain
        return Call(
            request,
            organisation,
            principal,
            {},
            params,
            now,
            tokens,
            self._schedule,
            origin=origin,
            door=self,
        )


def _in_version(request: Request) -> tuple[Version, bytes]:
    """The version that a path names, and the path in v8. Raises the fault of an unknown version."""
    matched = _VERSIONED.match(request.path)
    if matched is None:
        raise invalid_url()
    version = VERSIONS.get(matched["version"].decode())
    if version is None:
        raise api_not_supported()
    start, end = matched.span("version")
    return version, b"%sv8%s" % (request.path[:start], request.path[end:])


def _healthy(method: str) -> Response:
    if method in {"GET", "HEAD"}:
        return answer({"status": "ok"})
    return with_headers(fault_answer(invalid_method()), (b"allow", b"GET"))


def _failed(error: Exception, request: Request) -> Response:
    match error:
        case Fault():
            return fault_answer(error)
        case StoreClosed():  # After several tries: the organisation of the token does not exist any more.
            return fault_answer(invalid_token())
        case TookTooLong():
            return fault_answer(took_too_long())
        case ChangesMetadata():
            return fault_answer(not_undone())
        case TooBusy():  # There is no memory for the body.
            return refusal(error, new_request_id())
    if (response := trouble_answer(error, request.path)) is not None:
        return response
    log.error("crm.failed", method=request.method, exc_info=error)
    return fault_answer(internal())


def _require_scopes(
    route: Route, path: Mapping[str, str], principal: Principal, organisation: Organisation
) -> None:
    for scope in route.scopes:
        require_scope(principal, scope, organisation.catalog, path.get("module"))
