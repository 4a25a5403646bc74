"""Query parameters, read into values. The Fault for a wrong value names the parameter."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from moorage.crm.faults import Fault, invalid_id, param_invalid, param_missing, wrong_format
from moorage.crm.metadata.ids import whole_id

T = TypeVar("T")

MAX_FIELDS = 50
MAX_PAGE_SIZE = 200
MAX_PAGE = 10**9  # Page number times size must be a number that every store can hold.


def whole_number(params: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    """A number from 1 to `most`; `default` if it is missing."""
    text = params.get(name)
    if text is None:
        return default
    digits = text.strip()
    # The length is checked first, because Python refuses to read very long numbers.
    if digits.isascii() and digits.isdigit() and len(digits) <= len(str(most)) and 1 <= int(digits) <= most:
        return int(digits)
    raise param_invalid(name, expected_data_type="integer", range={"from": 1, "to": most})


def page_and_size(params: Mapping[str, str], *, maximum: int = MAX_PAGE_SIZE) -> tuple[int, int]:
    """`page` (from 1) and `per_page` (from 1 to `maximum`, which is its default, too)."""
    page = whole_number(params, "page", default=1, most=MAX_PAGE)
    return page, whole_number(params, "per_page", default=maximum, most=maximum)


def page_of(rows: Sequence[T], page: int, size: int) -> tuple[Sequence[T], dict[str, Any]]:
    """The rows of a page, and what answers tell of it."""
    shown = rows[(page - 1) * size : page * size]
    return shown, {
        "per_page": size,
        "count": len(shown),
        "page": page,
        "more_records": len(rows) > page * size,
    }


def path_id(path: Mapping[str, str], index: int, name: str = "id") -> int:
    """The id that a segment of the path has. Raises the Fault for a value that can't be an id.

    `index` is the place of the segment in the path, `name` that of its placeholder.
    """
    identity = whole_id(path[name])
    if identity is None:
        raise invalid_id(index)
    return identity


def id_list(params: Mapping[str, str], name: str, maximum: int = 100) -> list[int]:
    """The ids of a required, comma-separated parameter, each once, in the order of the parameter."""
    texts = [text.strip() for text in params.get(name, "").split(",") if text.strip()]
    if not texts:
        raise param_missing(name)
    if len(texts) > maximum:
        message = f"Limit Exceeded, You cannot give more than {maximum} record ids"
        raise Fault(400, "LIMIT_EXCEEDED", message, {"limit": maximum, "param_name": name})
    ids = [whole_id(text) for text in texts]
    if None in ids:
        raise wrong_format(param_name=name)
    return list(dict.fromkeys(record_id for record_id in ids if record_id is not None))


def field_names(params: Mapping[str, str], *, required: bool = False) -> list[str]:
    """The names in `fields`; none if it is missing. Raises the Fault for more than 50."""
    names = [name.strip() for name in params.get("fields", "").split(",") if name.strip()]
    if len(names) > MAX_FIELDS:
        raise Fault(400, "LIMIT_EXCEEDED", "limit exceeded", {"limit": MAX_FIELDS, "param_name": "fields"})
    if required and not names:
        raise param_missing("fields")
    return names


def one_of(params: Mapping[str, str], name: str, allowed: Collection[str], default: str) -> str:
    """A parameter that must be one of a few words."""
    value = params.get(name, default)
    if value not in allowed:
        raise not_one_of(name, allowed)
    return value


def not_one_of(name: str, allowed: Collection[str]) -> Fault:
    details = {"param_name": name, "supported_values": list(allowed)}
    return Fault(400, "PATTERN_NOT_MATCHED", "Please check whether the input values are correct", details)
