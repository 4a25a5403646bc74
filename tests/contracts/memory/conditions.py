"""Whether a row meets a condition."""

import json
import operator

from moorage.crm.query.texts import PHONE_FORMATTING
from moorage.crm.query.tree import (
    AllOf,
    Among,
    AnyOf,
    Compare,
    Digits,
    Empty,
    Equal,
    Fragment,
    Linked,
    Member,
    Named,
    Not,
    Phrase,
    Through,
    WordStarts,
)
from moorage.crm.query.words import words_of
from moorage.crm.storage.contract.records import FlagIs, Ids, ModifiedSince, Present

ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def folded(text):
    """Without the case of ASCII letters, the only one that is disregarded; what is no text as it is."""
    return "".join(c.lower() if c.isascii() else c for c in text) if isinstance(text, str) else text


class Conditions:
    """Asks the rows of one module; `contents` are looked into for the names of what they point to."""

    def __init__(self, module, catalog, users, contents) -> None:
        self._module = module
        self._catalog = catalog
        self._users = users
        self._contents = contents

    def meets(self, row, condition) -> bool:
        match condition:
            case AllOf(parts):
                return all(self.meets(row, part) for part in parts)
            case AnyOf(parts):
                return any(self.meets(row, part) for part in parts)
            case Not(part):
                return not self.meets(row, part)
        return self._meets(row, condition)

    def _meets(self, row, condition) -> bool:
        match condition:
            case Ids(ids):
                return row["id"] in ids
            case ModifiedSince(timestamp):
                return (row.get(self._module.fields["Modified_Time"].column) or 0) >= timestamp
            case Present(module, record):
                return record in self._contents.table(module)
            case Linked(rows, own, connected, record):
                pointing = self._contents.table(rows).values()
                leads = (link.get(connected.column) for link in pointing if link.get(own.column) == record)
                return row["id"] in leads
            case WordStarts(phrases):
                texts = [row.get(field.column) for field in self._module.full_text]
                inside = [words_of(text) for text in texts if text is not None]
                return all(any(_begins(words, words_of(phrase)) for words in inside) for phrase in phrases)
            case Empty(field):
                return row.get(field.column) is None
            case Through(step, part):
                behind = self._contents.table(step.module).get(row.get(step.lookup.column))
                return behind is not None and self._of(step.module).meets(behind, part)
        value = row.get(condition.field.column)
        return value is not None and self._compares(value, condition)

    def _compares(self, value, condition) -> bool:
        match condition:
            case Among(_, module, column, part):
                others = self._contents.table(module).values()
                met = (each for each in others if part is None or self._of(module).meets(each, part))
                return any(folded(each.get(column.column)) == folded(value) for each in met)
            case FlagIs(_, wanted):
                return bool(value) is wanted
            case Equal(_, wanted):
                return folded(value) == folded(wanted)
            case Compare(_, order, wanted):
                return ORDERS[order](value, wanted)
            case Phrase(_, text, start):
                wanted = words_of(text)
                return _starts(words_of(value), wanted) if start else _holds(words_of(value), wanted)
            case Fragment(_, text, place):
                whole, part = folded(value), folded(text)
                tests = {"start": whole.startswith, "end": whole.endswith, "anywhere": whole.__contains__}
                return tests[place](part)
            case Member(field, text, start):
                items = json.loads(value)
                names = [folded(item["name"] if field.storage == "tags" else item) for item in items]
                return any(name.startswith(folded(text)) if start else name == folded(text) for name in names)
            case Digits(_, digits, start):
                number = value.translate(str.maketrans("", "", PHONE_FORMATTING))
                return number.startswith(digits) if start else number == digits
            case Named(field, name):
                return folded(name) in map(folded, self._names(field, value))
        raise AssertionError(condition)

    def _of(self, module):
        return Conditions(module, self._catalog, self._users, self._contents)

    def _names(self, field, record):
        """What a record that a field points to goes by, in each module it may be of."""
        if field.storage == "user":
            user = self._users.get(record)
            return [user["name"], user["email"]] if user else []
        rows = ((self._contents.table(m).get(record, {}), d) for m, d in self._catalog.named_by(field))
        return [name for row, display in rows if (name := row.get(display.column)) is not None]


def _holds(inside, wanted) -> bool:
    return any(inside[n : n + len(wanted)] == wanted for n in range(len(inside)))


def _starts(inside, wanted) -> bool:
    *whole, begun = wanted
    head = inside[: len(wanted)]
    return len(head) == len(wanted) and head[:-1] == whole and head[-1].startswith(begun)


def _begins(inside, wanted) -> bool:
    return any(_starts(inside[n:], wanted) for n in range(len(inside)))
