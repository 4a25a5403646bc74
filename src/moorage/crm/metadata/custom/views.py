"""Views that users make: what callers may specify of one, and who sees it [Z custom-view-meta].

Zoho describes how they are made only in its newest examples [Z examples].
"""

from collections.abc import Sequence

from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.ids import whole_id

LONGEST_NAME = 100
MOST_COLUMNS = 200
MOST_SHARED = 100
ACCESS_TYPES = ("public", "only_to_me", "shared")
_KINDS = {"users": "user", "roles": "role"}  # There are no groups and no territories here.


def is_seen(metadata: Metadata, view: Document, user: int) -> bool:
    """Whether a user sees a view. Administrators see all."""
    return category(metadata, view, user) is not None


def category(metadata: Metadata, view: Document, user: int) -> str | None:
    """The list of views in which a user sees one; None if it is hidden from the user."""
    body, viewer = view.body, metadata.find("user", user)
    if "created_by" not in body:  # It came with the organisation.
        return "public_views"
    if body["created_by"]["id"] == str(user):
        return "created_by_me"
    if body["access_type"] == "public":
        return "public_views"
    if viewer is None:
        return None
    own = {str(user), viewer.body["role"]["id"]}
    if any(shared["id"] in own for shared in body["shared_to"] or ()):
        return "shared_with_me"
    return "other_users_views" if viewer.body["profile"]["name"] == "Administrator" else None


def name_of(spec: JsonObject, others: Sequence[Document]) -> str | None:
    """The name of a view; None if there is none. Raises the Fault for the name of one of the others."""
    if not spec.has_member("name"):
        return None
    name = spec.text("name", LONGEST_NAME)
    if name is None:
        raise spec.invalid("name")
    if name.lower() in {view.body["name"].lower() for view in others}:
        raise spec.fault("DUPLICATE_DATA", "duplicate data", "name")
    return name


def columns_of(spec: JsonObject, fields: Sequence[Document]) -> list[Body] | None:
    """The columns of a view, by API name or id; None if there are none."""
    if "fields" not in spec:
        return None
    columns = spec.items("fields", MOST_COLUMNS)
    if not columns:
        raise spec.missing("fields")
    shown = [{**_field(column, fields), "_pin": column.boolean("_pin")} for column in columns]
    for place, column in enumerate(shown):
        if column["id"] in {other["id"] for other in shown[:place]}:
            raise columns[place].fault("DUPLICATE_DATA", "duplicate data", "api_name")
    return shown


def sorting_of(spec: JsonObject, fields: Sequence[Document]) -> Body:
    """The members that say how a view is ordered, as far as they are given. A `sort_by` of null ends the order."""
    sorting: Body = {}
    if spec.has_member("sort_order"):
        if spec.raw("sort_order") not in ("asc", "desc", None):
            raise spec.invalid("sort_order", supported_values=["asc", "desc"])
        sorting["sort_order"] = spec.raw("sort_order")
    if spec.has_member("sort_by"):
        by = spec.inner("sort_by")
        if by is None:
            return {"sort_by": None, "sort_order": None}
        field = _field(by, fields)
        if not any(str(known.id) == field["id"] and _is_sortable(known) for known in fields):
            raise by.invalid("api_name")
        sorting["sort_by"] = field
        sorting.setdefault("sort_order", "asc")
    return sorting


def access_of(spec: JsonObject, metadata: Metadata, before: Body) -> Body:
    """Who sees a view, as far as that is given: `access_type` and `shared_to`."""
    access = spec.raw("access_type") if "access_type" in spec else before["access_type"]
    if access not in ACCESS_TYPES:
        raise spec.invalid("access_type", supported_values=list(ACCESS_TYPES))
    if access != "shared":
        return {"access_type": access, "shared_to": None}
    shared = [_receiver(receiver, metadata) for receiver in spec.items("shared_to", MOST_SHARED)]
    if not shared and not before["shared_to"]:
        raise spec.missing("shared_to")
    return {"access_type": access, "shared_to": shared or before["shared_to"]}


def _receiver(spec: JsonObject, metadata: Metadata) -> Body:
    kind = spec.raw("type")
    if kind not in _KINDS:
        raise spec.invalid("type", supported_values=list(_KINDS))
    receiver = metadata.find("user" if kind == "users" else "role", whole_id(spec.raw("id")) or 0)
    if receiver is None:
        raise spec.invalid("id")
    return {
        "type": kind,
        "id": str(receiver.id),
        "name": receiver.name,
        "subordinates": spec.boolean("subordinates"),
    }


def _field(spec: JsonObject, fields: Sequence[Document]) -> Body:
    """A reference to the field that the object names by its id or its API name."""
    identity, name = whole_id(spec.raw("id")), spec.raw("api_name")
    if identity is None and name is None:
        raise spec.missing("api_name")
    for field in fields:
        if (field.id == identity) if identity is not None else (field.name == name):
            return {"api_name": field.name, "id": str(field.id)}
    raise spec.invalid("id" if identity is not None else "api_name")


def _is_sortable(field: Document) -> bool:
    return field.name == "id" or bool(field.body.get("sortable"))
