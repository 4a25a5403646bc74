"""What the links of a relation hold, shown in the records of a related list: such as the `Member_Status` of a lead."""

from collections.abc import Awaitable, Sequence
from typing import Any

import msgspec

from moorage.crm.api.related.contact_roles import roles_of
from moorage.crm.metadata.relations import CONTACT_ROLE
from moorage.crm.metadata.shown import shape
from moorage.crm.query.tree import AnyOf, Equal
from moorage.crm.records.related import RelatedList, Through
from moorage.crm.storage.contract.records import Filter, Order, Page, Window
from moorage.crm.wire.call import Call, encode, settled

_MEMBER_INFO = "$member_info"
_TIMES = ("Created_Time", "Modified_Time")


def with_link_values(
    call: Call,
    related: RelatedList,
    parent: int,
    page: Page,
    names: Sequence[str] | None,
    *,
    is_deleted: bool = False,
) -> Page | Awaitable[Page]:
    """The page with those fields of the links that `names` has. None asks for all.

    For a parent that is deleted, Zoho also shows what the links themselves are: their `$member_info`.
    """
    relation, links = related.relation, related.links
    if relation is None or links is None:
        return page
    fields = [field.api_name for field in relation.fields if names is None or field.api_name in names]
    if is_deleted:
        fields.append(_MEMBER_INFO)
    return _with_values(call, links, parent, page, fields) if fields else page


async def _with_values(call: Call, links: Through, parent: int, page: Page, fields: Sequence[str]) -> Page:
    records = msgspec.json.decode(page.data, type=list[dict[str, msgspec.Raw]])
    ids = [int(msgspec.json.decode(record["id"])) for record in records]
    values = await _values(call, links, parent, ids, fields)
    for record, record_id in zip(records, ids, strict=True):
        # A record that was unrelated since the page was read has no values any more.
        record |= {name: msgspec.Raw(encode(values.get(record_id, {}).get(name))) for name in fields}
    return msgspec.structs.replace(page, data=encode(records))


async def _values(
    call: Call, links: Through, parent: int, records: Sequence[int], fields: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """By the id of the related record, the values of its link to the parent."""
    connected = links.connected.api_name
    leads_there = AnyOf(tuple(Equal(links.connected, record) for record in records))
    order = Order(links.rows.fields["id"], descending=False)
    shown = shape(links.rows, [connected, *fields, *_TIMES])
    filters: list[Filter] = [Equal(links.own, parent), leads_there]
    result = call.store.page(links.rows, shown, filters, order, Window(len(records)))
    rows = msgspec.json.decode((await settled(result)).data)
    if CONTACT_ROLE in fields:
        names = {str(role.id): role.name for role in await roles_of(call)}
        for row in rows:
            role = row[CONTACT_ROLE]
            row[CONTACT_ROLE] = {"name": names[role], "id": role} if role in names else None
    for row in rows:
        row[_MEMBER_INFO] = {name: row[name] for name in ("id", *_TIMES)}
    return {int(row[connected]["id"]): row for row in rows if row[connected]}
