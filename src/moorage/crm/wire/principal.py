"""The caller of the API: the user that a token stands for, and its scopes."""

from functools import lru_cache

import msgspec

from moorage.crm.faults import scope_mismatch
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.wire.scopes import ScopeSet, module_group


class Principal(msgspec.Struct, frozen=True):
    """The user and scopes of a token. `expires_at` is in seconds since the epoch; `centre` is the data centre."""

    organisation: int
    user: int
    scopes: ScopeSet
    expires_at: float
    centre: str


def require_scope(caller: Principal, scope: str, catalog: Catalog, module: str | None) -> None:
    """Raises the fault of a missing scope. In `scope`, `{module}` stands for the group of the module."""
    if not caller.scopes.allows(_of_module(scope, catalog, module)):
        raise scope_mismatch()


def _of_module(scope: str, catalog: Catalog, name: str | None) -> str:
    if "{module}" not in scope:
        return scope
    module = catalog.modules.get(name) if name is not None else None
    if module is None:
        # A caller who may read any module learns from the handler that this module does not exist.
        return scope.replace("{module}.", "")
    return _of_group(scope, module.api_name, module.generated_type)


@lru_cache(10_000)
def _of_group(scope: str, api_name: str, generated_type: str) -> str:
    return scope.replace("{module}", module_group(api_name, generated_type))
