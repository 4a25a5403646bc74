"""The recycle bin of an organisation."""

import operator

from moorage.crm.storage.contract.recycle_bin import BinEntry
from tests.contracts.memory.conditions import folded

_COMPARED = {
    "in": lambda value, values: value in values,
    "not in": lambda value, values: value not in values,
    "contains": lambda value, values: values[0] in value,
    "starts": lambda value, values: value.startswith(values[0]),
    "ends": lambda value, values: value.endswith(values[0]),
    "<": lambda value, values: operator.lt(value, values[0]),
    "<=": lambda value, values: operator.le(value, values[0]),
    ">": lambda value, values: operator.gt(value, values[0]),
    ">=": lambda value, values: operator.ge(value, values[0]),
}


class MemoryBin:
    """See `RecycleBin` for what the calls promise."""

    def __init__(self, contents) -> None:
        self._contents = contents

    def entries(self, which, limit):
        return entries(self._contents, which)[:limit]

    def take(self, records):
        gone = set(records)
        self._contents.recycled = [e for e in self._contents.recycled if not (_waits(e) and e["id"] in gone)]

    def forget(self, records):
        gone = set(records)
        self._contents.recycled = [
            e | {"kind": "permanent", "body": None} if _waits(e) and e["id"] in gone else e
            for e in self._contents.recycled
        ]


def entries(contents, which):
    met = [e for e in contents.recycled if _waits(e) and all(_meets(e, c) for c in which.conditions)]
    met.sort(key=lambda e: (_value(e, which.order), e["id"]), reverse=which.descending)
    keys = ("id", "module", "display_name", "deleted_by", "deleted_time", "body")
    return [BinEntry(*(e[key] for key in keys)) for e in met]


def _waits(entry):
    return entry["kind"] == "recycle"


def _meets(entry, condition):
    values = [folded(value) for value in condition.values]
    return _COMPARED[condition.comparison](_value(entry, condition.column), values)


def _value(entry, column):
    return folded(entry[column] or "") if column == "display_name" else entry[column]
