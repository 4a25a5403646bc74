"""describe_module: which modules there are, and which fields a module has."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from moorage.mcp.answers import Table, Told, counted, shortened, table_told, without_empty
from moorage.mcp.crm.account import Account, Module
from moorage.mcp.crm.calls import call, path_of
from moorage.mcp.crm.metadata import Field, fields_of, modules_of, near_modules
from moorage.mcp.crm.values import named
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Session, segments
from moorage.mcp.tool import Tool

_OPTIONS = 20  # Options of a picklist that are shown, unless its field is the only one.
_ALL_OPTIONS = 500
_PEOPLE = 50
_COLUMNS = ("name", "label", "type", "rules", "length", "options", "more_options", "module")


class Describe(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    module: Module | None = None
    match: (
        Annotated[
            str,
            Meta(description="Part of a name or label; or a type or rule, such as required", max_length=100),
        ]
        | None
    ) = None


class Description(Table, omit_defaults=True, kw_only=True):
    """A row for each module or field."""

    records: Annotated[int | None, Meta(description="How many the module has")] = None


async def describe_module(session: Session, asked: Describe) -> Told:
    if asked.module is None:
        return await _modules(session, asked)
    async with near_modules(session, asked.account, asked.module):
        known = await fields_of(session, asked.account, asked.module)
    fields = [field for field in known.values() if _is_wanted(field, asked.match)]
    people = await _people(session, asked) if any(_is_of_people(field) for field in fields) else []
    most = _ALL_OPTIONS if len(fields) == 1 else _OPTIONS
    rows = shortened(
        [_row(field, people if _is_of_people(field) else field.values, most) for field in fields]
    )
    table = without_empty(_COLUMNS, rows, always=("name", "type"))
    told = Description(
        columns=table.columns, rows=table.rows, records=await _count(session, asked.account, asked.module)
    )
    if len(rows) < len(fields):
        told.note = (
            f"{len(fields) - len(rows)} more fields did not fit: name a part of what you need in match."
        )
    elif not fields:
        told.note = "No field matches; leave match out to see all." if known else None
    return table_told(f"{counted(len(rows), 'field')} of {asked.module}.", told)


async def _modules(session: Session, asked: Describe) -> Told:
    """The modules. Their records are not counted here, as that would be a call for each."""
    modules = await modules_of(session, asked.account)
    rows = [
        [module.api_name, module.plural_label if module.plural_label != module.api_name else None]
        for module in modules.values()
        if _matches(asked.match, module.api_name, module.plural_label or "")
    ]
    table = without_empty(("name", "label"), shortened(rows), always=("name",))
    told = Description(columns=table.columns, rows=table.rows)
    return table_told(f"{counted(len(table.rows), 'module')}.", told)


def _matches(match: str | None, *texts: str) -> bool:
    return match is None or any(match.casefold() in text.casefold() for text in texts)


def _is_wanted(field: Field, match: str | None) -> bool:
    return _matches(match, field.api_name, field.field_label) or match in {field.data_type, *_rules(field)}


def _is_of_people(field: Field) -> bool:
    """Whether a user can be chosen, such as the owner."""
    return field.data_type in {"ownerlookup", "userlookup"} and not field.is_read_only


async def _people(session: Session, asked: Describe) -> list[str]:
    """The active users, for whoever looks for one of the fields that name one; none for whoever reads all fields."""
    if asked.match is None:
        return []
    path, query = segments("crm", "v8", "users"), {"type": "ActiveUsers", "per_page": _PEOPLE}
    try:
        users = (await call(session, asked.account, "GET", path, query=query)).get("users")
    except ToolFailed:
        return []
    known = [user for user in users if isinstance(user, dict)] if isinstance(users, list) else []
    return [named({"id": user.get("id"), "name": user.get("full_name")}) for user in known]


def _row(field: Field, options: Sequence[str], most: int) -> list[Any]:
    modules = field.modules
    label = field.field_label if field.field_label != field.api_name.replace("_", " ") else None
    return [
        field.api_name,
        label or None,
        field.data_type,
        ", ".join(_rules(field)) or None,
        field.length if field.data_type in _WITH_LENGTH else None,
        [*options[:most]] or None,
        len(options) - most if len(options) > most else None,
        ", ".join(modules) or None,
    ]


# Of other types the length says nothing that a caller has to keep to.
_WITH_LENGTH = frozenset({"text", "textarea", "email", "phone", "website", "integer", "bigint"})


def _rules(field: Field) -> Iterable[str]:
    if field.is_read_only:
        yield "read-only"
    elif field.system_mandatory:
        yield "required"
    if field.unique:
        yield "unique"


async def _count(session: Session, account: str | None, module: str) -> int | None:
    """How many records a module has, if that can be known."""
    try:
        count = (await call(session, account, "GET", path_of(module, "actions", "count"))).get("count")
    except ToolFailed:
        return None
    return count if isinstance(count, int) else None


DESCRIBE_MODULE = Tool(
    "describe_module",
    "Describe module",
    "Modules; or the fields of one: API name, type, required or read-only, options, module of a lookup.",
    Describe,
    Description,
    describe_module,
)
