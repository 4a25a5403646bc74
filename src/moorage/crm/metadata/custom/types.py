"""The types that a field can be made of, and what each may say of itself [Z create-fields]."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldType:
    """`lengths` are those a caller may choose from, None where there is nothing to choose; `length` is the usual one.

    `decimals` is the usual number of decimal places, None where there are none.
    """

    json_type: str
    length: int
    lengths: range | tuple[int, ...] | None = None
    decimals: int | None = None
    sortable: bool = True
    filterable: bool = True
    writable: bool = True


MOST_DECIMALS = 9
PICK_LISTS = frozenset({"picklist", "multiselectpicklist"})
FIELD_TYPES = {
    "text": FieldType("string", 255, range(1, 256)),
    "textarea": FieldType("string", 2000, (2000, 32_000, 50_000), sortable=False),
    "email": FieldType("string", 100, range(1, 101)),
    "phone": FieldType("string", 30, range(1, 31)),
    "website": FieldType("string", 255, range(1, 451)),
    "picklist": FieldType("string", 120),
    "multiselectpicklist": FieldType("jsonarray", 2000),
    "integer": FieldType("integer", 9, range(1, 10)),
    "bigint": FieldType("string", 18, range(1, 19)),
    "double": FieldType("double", 16, range(1, 19), decimals=2),
    "currency": FieldType("double", 16, range(1, 17), decimals=2),
    "percent": FieldType("double", 5, range(1, 6), decimals=2),
    "date": FieldType("string", 20),
    "datetime": FieldType("string", 120),
    "boolean": FieldType("boolean", 5),
    "lookup": FieldType("jsonobject", 120),
    "userlookup": FieldType("jsonobject", 120),
    "autonumber": FieldType("string", 255, range(1, 256), writable=False),
}
# Those that Zoho has as well; a field of one can't be made here yet.
TO_COME = frozenset(
    [
        "fileupload",
        "formula",
        "imageupload",
        "multiselectlookup",
        "multiuserlookup",
        "rollup_summary",
        "subform",
    ]
)
