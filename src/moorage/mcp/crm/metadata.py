"""What tools have to know of modules: their fields, the columns of their list, and their related lists.

It is remembered for some minutes, for one key and one account as it was named. So a search costs one call, as it would
without a tool. Whatever is refused because of it is looked up anew before: a field may have just been made.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from moorage.mcp.crm.calls import call, name_of
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Session, segments
from moorage.near import did_you_mean

_SUGGESTIONS = 5
COLUMNS = 8  # In lists, if an agent names no fields.
# For accounts whose metadata can't be read. A list has the columns of these that the module knows.
_USUAL = (
    "Full_Name", "Account_Name", "Deal_Name", "Name", "Subject", "Event_Title", "Product_Name", "Company", "Email",
    "Phone", "Stage", "Amount", "Status", "Owner",
)  # fmt: skip

S = TypeVar("S", bound=Struct)
T = TypeVar("T")


class Choice(Struct, gc=False):
    actual_value: str | None = None
    type: str | None = None


class Operations(Struct, frozen=True, gc=False):
    api_create: bool = True
    api_update: bool = True


class Field(Struct):
    """A field, as Zoho's metadata describe it."""

    api_name: str
    field_label: str = ""
    data_type: str = ""
    json_type: str | None = None
    length: int | None = None
    system_mandatory: bool = False
    read_only: bool = False
    unique: Any = None
    operation_type: Operations = Operations()
    pick_list_values: list[Choice] = []
    lookup: Any = None
    multi_module_lookup: Any = None
    associated_module: Any = None

    @property
    def value_type(self) -> str:
        """The type of a value. Tags and the like call themselves texts, and are lists of objects."""
        holds_objects = self.json_type in {"jsonarray", "jsonobject"} and self.data_type in {"text", "bigint"}
        return "" if holds_objects else self.data_type

    @property
    def is_read_only(self) -> bool:
        allowed = self.operation_type
        return self.read_only or not (allowed.api_create or allowed.api_update)

    @property
    def values(self) -> list[str]:
        """The options of a picklist that can be chosen."""
        used = [choice for choice in self.pick_list_values if choice.type != "unused"]
        return [choice.actual_value for choice in used if choice.actual_value not in {None, "-None-"}]

    @property
    def modules(self) -> list[str]:
        """The modules that a lookup or a subform leads to."""
        several = (
            self.multi_module_lookup.get("modules") if isinstance(self.multi_module_lookup, dict) else None
        )
        places = several if isinstance(several, list) and several else [self.lookup, self.associated_module]
        names = [_module_name(place) for place in places]
        return [name for name in names if name is not None]


class RelatedList(Struct):
    api_name: str
    module: Any = None

    @property
    def module_name(self) -> str | None:
        return _module_name(self)


class _Column(Struct):
    api_name: str


class _View(Struct):
    fields: list[_Column] = []


class Module(Struct):
    """A module, as Zoho's metadata describe it. A list of modules has no views and no related lists."""

    api_name: str
    plural_label: str | None = None
    api_supported: bool = True
    custom_view: _View | None = None
    related_lists: list[RelatedList] = []

    @property
    def columns(self) -> list[str]:
        """The first columns of its list, as people see it."""
        view = self.custom_view
        return [] if view is None else [column.api_name for column in view.fields][:COLUMNS]


class _Fields(Struct):
    fields: list[Field] = []


class _Modules(Struct):
    modules: list[Module] = []


def _module_name(place: Any) -> str | None:
    """The module that a member of the metadata names, in one of the forms of the API's versions."""
    module = place.get("module", place) if isinstance(place, dict) else getattr(place, "module", None)
    name = module.get("api_name") if isinstance(module, dict) else module
    return name if isinstance(name, str) else None


async def modules_of(session: Session, account: str | None) -> dict[str, Module]:
    """The modules that have records, by API name. Raises ToolFailed."""

    async def learn() -> dict[str, Module]:
        document = await call(session, account, "GET", segments("crm", "v8", "settings", "modules"))
        modules = _read(document, _Modules).modules
        return {module.api_name: module for module in modules if module.api_supported}

    return await _learned(session, account, "modules", "", learn)


async def module_of(session: Session, account: str | None, module: str) -> Module:
    """A module with its view and its related lists. Raises ToolFailed."""

    async def learn() -> Module:
        path = segments("crm", "v8", "settings", "modules", name_of(module, "module"))
        modules = _read(await call(session, account, "GET", path), _Modules).modules
        return modules[0] if modules else Module(module)

    return await _learned(session, account, "module", module, learn)


async def fields_of(
    session: Session, account: str | None, module: str, *, anew: bool = False
) -> Mapping[str, Field]:
    """The fields of a module by API name. Raises ToolFailed."""

    async def learn() -> Mapping[str, Field]:
        path = segments("crm", "v8", "settings", "fields")
        document = await call(
            session, account, "GET", path, query={"module": name_of(module, "module"), "type": "all"}
        )
        return {field.api_name: field for field in _read(document, _Fields).fields}

    return await _learned(session, account, "fields", module, learn, anew=anew)


async def columns_of(session: Session, account: str | None, module: str) -> list[str]:
    """The fields of a list for which an agent names none. Raises ToolFailed for a module that there is not."""
    try:
        columns = (await module_of(session, account, module)).columns
    except ToolFailed as failed:
        if failed.code in {"INVALID_MODULE", "arguments_invalid"}:
            raise
        columns = []
    return columns or list(_USUAL)


def no_fields(module: str, names: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """By name, a sentence for each of these names that no field has.

    The first ones get the name that was probably meant: to find it among many takes some milliseconds.
    """
    sentences: dict[str, str] = {}
    for name in names:
        if name not in sentences:
            meant = did_you_mean(name, known) if len(sentences) < _SUGGESTIONS else ""
            sentences[name] = f"{module} has no field {name[:80]!r}.{meant}"
    return sentences


@asynccontextmanager
async def near_modules(session: Session, account: str | None, module: str) -> AsyncIterator[None]:
    """If what is done fails because there is no such module, the failure says which one was probably meant."""
    try:
        yield
    except ToolFailed as failed:
        if failed.code != "INVALID_MODULE":
            raise
        names: Collection[str] = ()
        with suppress(ToolFailed):
            names = await modules_of(session, account)
        message = f"There is no module {module!r} with records.{did_you_mean(module, names)}"
        raise ToolFailed(message, code=failed.code, step=failed.step) from None


async def _learned(
    session: Session,
    account: str | None,
    what: str,
    module: str,
    learn: Callable[[], Awaitable[T]],
    *,
    anew: bool = False,
) -> T:
    """What `learn` gives, or gave a short while ago."""
    key = (session.principal.key_id, session.account or account, what, module)
    known: T | None = None if anew else session.memory.recall(key)
    if known is None:
        known = await learn()
        session.memory.keep(key, known)
    return known


def _read(document: Mapping[str, Any], shape: type[S]) -> S:
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        raise ToolFailed(
            f"The app describes its modules in a form that is not known: {error}.", step="Use call_api."
        ) from None
