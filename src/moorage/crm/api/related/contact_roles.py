"""Contact roles: list, get, add, change, delete [Z contact-roles]."""

from collections.abc import Awaitable, Callable

from moorage.crm.api.items import each_outcome, outcomes_answer, specs_of
from moorage.crm.records.contact_roles import KIND, ContactRoles, Role, roles_in
from moorage.crm.records.outcomes import Outcome
from moorage.crm.storage.contract.companions import CompanionPage, CompanionsOf
from moorage.crm.storage.contract.records import Window
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.members import MAX_RECORDS
from moorage.crm.wire.parameters import id_list, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_MOST = 1_000  # More roles than anybody makes.
_ENVELOPE = "contact_roles"


async def roles_of(call: Call) -> list[Role]:
    """All roles of the organisation, in their order."""
    which, window = CompanionsOf(KIND, owner=0), Window(_MOST)
    page = call.store.companions(which, window)
    roles = roles_in((page if isinstance(page, CompanionPage) else await page).companions)
    return roles or await call.store.write(lambda transaction: ContactRoles(transaction).all())


async def list_roles(call: Call) -> Response:
    roles = await roles_of(call)
    return answer({_ENVELOPE: [role.document() for role in roles]}) if roles else no_content()


async def get_role(call: Call) -> Response:
    role_id = path_id(call.path, 2)
    roles = [role.document() for role in await roles_of(call) if role.id == role_id]
    return answer({_ENVELOPE: roles}) if roles else no_content()


async def add_roles(call: Call) -> Response:
    specs = await specs_of(call, _ENVELOPE, MAX_RECORDS)
    return await _change(call, lambda roles: each_outcome(specs, roles.add), done=201)


async def change_roles(call: Call) -> Response:
    specs = await specs_of(call, _ENVELOPE, MAX_RECORDS)
    return await _change(call, lambda roles: each_outcome(specs, roles.change))


async def change_role(call: Call) -> Response:
    role_id, specs = path_id(call.path, 2), await specs_of(call, _ENVELOPE, 1)
    return await _change(call, lambda roles: each_outcome(specs, lambda spec: roles.change(spec, role_id)))


async def remove_roles(call: Call) -> Response:
    ids = id_list(call.params, "ids")
    return await _change(call, lambda roles: roles.remove(ids))


async def remove_role(call: Call) -> Response:
    role_id = path_id(call.path, 2)
    return await _change(call, lambda roles: roles.remove([role_id]))


async def _change(call: Call, run: Callable[[ContactRoles], list[Outcome]], *, done: int = 200) -> Response:
    write: Awaitable[list[Outcome]] = call.store.write(lambda transaction: run(ContactRoles(transaction)))
    return outcomes_answer(_ENVELOPE, await write, done=done)


def _scopes(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.modules.contacts.{operation}",)


_ALL = "/crm/v8/Contacts/roles"
_ONE = f"{_ALL}/{{id}}"
ROUTES = (
    Route("GET", _ALL, list_roles, _scopes("READ")),
    Route("GET", _ONE, get_role, _scopes("READ")),
    Route("POST", _ALL, add_roles, _scopes("CREATE")),
    Route("PUT", _ALL, change_roles, _scopes("UPDATE")),
    Route("PUT", _ONE, change_role, _scopes("UPDATE")),
    Route("DELETE", _ALL, remove_roles, _scopes("DELETE")),
    Route("DELETE", _ONE, remove_role, _scopes("DELETE")),
)
