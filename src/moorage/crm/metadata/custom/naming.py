"""API names made from labels [Z create-fields]."""

import re
from collections.abc import Collection

from moorage.crm.faults import Fault

LONGEST_LABEL = 50
API_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")  # Two underscores, as in `Locked__s`, are the system's.
# Keys of a record that are no fields, and words that stand for fields in a call.
RESERVED = frozenset({"id", "data", "se_module", "Layout", "Tag"})


def api_name_of(label: str, used: Collection[str]) -> str:
    """`First contact!` becomes First_contact, with a number at its end if another field has that name in any case.

    `used` are the names of the other fields.
    """
    words = re.findall(r"[A-Za-z0-9]+", label)
    stem = "_".join(words) or "Field"
    if not stem[0].isalpha():
        stem = f"Field_{stem}"
    lowered = {name.lower() for name in (*used, *RESERVED)}
    name, number = stem, 1
    while name.lower() in lowered:
        name, number = f"{stem}{number}", number + 1
    return name


def check_api_name(name: str, path: str, used: Collection[str]) -> None:
    """Raises the Fault for a name that is not allowed, or that another field has."""
    place = {"api_name": "api_name", "json_path": f"{path}.api_name"}
    if len(name) > LONGEST_LABEL or not API_NAME.fullmatch(name):
        raise Fault(400, "INVALID_DATA", "invalid data", place)
    if name.lower() in {reserved.lower() for reserved in RESERVED}:
        raise Fault(400, "RESERVED_KEYWORD_NOT_ALLOWED", "reserved keyword not allowed", place)
    if name.lower() in {other.lower() for other in used}:
        raise Fault(400, "DUPLICATE_DATA", "duplicate data", place)
