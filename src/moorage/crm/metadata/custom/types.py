"""The types of custom fields, and what can be chosen for each [Z create-fields]."""

import msgspec


class FieldType(msgspec.Struct, frozen=True):
    """`length` is the default, and `lengths` are those a caller may choose; None if the length is fixed.

    `decimals` is the default number of decimal places; None for types without decimals.
    """

    json_type: str
    length: int
    lengths: range | tuple[int, ...] | None = None
    decimals: int | None = None
    sortable: bool = True
    filterable: bool = True
    searchable: bool = True
    writable: bool = True
    has_rows: bool = False  # The values are records of a module that comes with the field.


MOST_DECIMALS = 9
_ROWS = FieldType("jsonarray", 200, sortable=False, filterable=False, searchable=False, has_rows=True)
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
    # The rest follows from what the formula returns (`formula_fields.py`).
    "formula": FieldType("string", 255, writable=False),
    # The rest follows from what the roll-up returns (`roll_up_parts.py`).
    "rollup_summary": FieldType("integer", 9, writable=False),
    # The length is how many files a record may have.
    "fileupload": FieldType("jsonarray", 5, (1, 5), sortable=False, filterable=False, searchable=False),
    "imageupload": FieldType(
        "jsonarray", 10, range(1, 11), sortable=False, filterable=False, searchable=False
    ),
    "multiselectlookup": _ROWS,
    "multiuserlookup": _ROWS,
    "subform": _ROWS,
}
