"""The tags of an organisation, and those of its records.

A tag is a companion that belongs to a module. A record holds its tags whole, as they are shown: so every list and every
search is as fast as without tags. Whoever changes a tag changes it in all records that have it, in one transaction.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.query.texts import folded
from moorage.crm.records.roll_ups import RollUps
from moorage.crm.records.tag_names import MAX_TAGS, SentTag, TagChange, unknown_tag
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

KIND = "tag"
MAX_OF_MODULE = 200
_PART = 2_000  # Records that are changed at a time.

# A tag as a record shows it: `name`, `id`, `color_code`.
Shown: TypeAlias = dict[str, Any]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Shown]).decode


class Tag(msgspec.Struct, frozen=True):
    """`module` is the id of its module. Times are in seconds since the epoch; `created_by` is the id of a user.

    `merged` has the ids of the tags that were merged into this one: a record in the recycle bin may still have them.
    """

    id: int
    module: int
    name: str
    color_code: str | None
    created_by: int
    created_time: int
    modified_by: int
    modified_time: int
    merged: tuple[int, ...] = ()

    def shown(self) -> Shown:
        return {"name": self.name, "id": str(self.id), "color_code": self.color_code}

    def companion(self) -> Companion:
        body = {
            "name": self.name,
            "color_code": self.color_code,
            "created_by": self.created_by,
            "created_time": self.created_time,
            "modified_by": self.modified_by,
            "modified_time": self.modified_time,
            "merged": self.merged,
        }
        return Companion(self.id, KIND, self.module, folded(self.name), body)


def tag_of(companion: Companion) -> Tag:
    body = dict(companion.body)
    return Tag(companion.id, companion.owner, merged=tuple(body.pop("merged", ())), **body)


class Tags:
    """The tags of one module, as one request of a user sees and changes them. New ones wait for `write`."""

    def __init__(
        self, organisation: Organisation, module: Module, transaction: Transaction, user: int
    ) -> None:
        self._organisation = organisation
        self._module = module
        self._transaction = transaction
        self._user = user
        self._known: dict[int, Tag] | None = None
        self._names: dict[str, int] | None = None  # By their names; None if it has to be made again.
        self._new: list[Tag] = []
        self._ids: Iterator[int] = iter(())
        self._expected: set[str] = set()

    # What there are

    def all(self) -> list[Tag]:
        return list(self._by_id.values())

    def by_id(self, tag: int) -> Tag | None:
        return self._by_id.get(tag)

    def named(self, name: str) -> Tag | None:
        if self._names is None:
            self._names = {folded(tag.name): tag.id for tag in self._by_id.values()}
        tag = self._names.get(folded(name))
        return None if tag is None else self._by_id[tag]

    def find(self, sent: SentTag) -> Tag | None:
        """The tag that the caller means; None for one that has to be made. Raises the Fault of an unknown id."""
        tag = self.by_id(sent.id) if sent.id is not None else None
        if tag is None and sent.name is not None:
            tag = self.named(sent.name)
        if tag is None and sent.name is None:
            raise unknown_tag(sent.path)
        return tag

    @property
    def _by_id(self) -> dict[int, Tag]:
        if self._known is None:
            self._known = {tag.id: tag for tag in _stored(self._transaction, self._module)}
            if not self._known and adopt_old(self._organisation, self._transaction, self._user):
                self._known = {tag.id: tag for tag in _stored(self._transaction, self._module)}
        return self._known

    # Tags of records

    def expect(self, change: TagChange) -> None:
        """Learn which tags a record is going to name: the ids of all new ones are taken together."""
        self._expected |= {tag.name for tag in change.tags if tag.name is not None}

    def to_write(self, change: TagChange | None, old: Row) -> Callable[[Row], None]:
        """Check a change of a record's tags; gives what makes the new tags and writes all of them into its row.

        `old` is the row as it is stored. Raises the Fault of a tag that does not exist, and of too many.
        """
        if change is None:
            return lambda _: None
        column = self._module.fields["Tag"].column
        text = self._changed(old.get(column), change)
        return lambda row: row.update({column: text()})

    def _changed(self, text: str | None, change: TagChange) -> Callable[[], str | None]:
        """The tags of a record as JSON after a change. `text` are its tags before."""
        sent = [self.find(tag) or tag for tag in change.tags]
        old = [] if change.action == "set" else _decode(text or "[]")
        if change.action == "remove":
            gone = {str(tag.id) for tag in sent if isinstance(tag, Tag)}
            kept = [shown for shown in old if shown["id"] not in gone]
            return lambda: _text(kept)
        held = {shown["id"] for shown in old}
        added = {_key(tag): tag for tag in sent if not (isinstance(tag, Tag) and str(tag.id) in held)}
        if len(old) + len(added) > MAX_TAGS:
            raise _limit(MAX_TAGS, change.api_name, change.path)
        self._require_room([tag for tag in added.values() if isinstance(tag, SentTag)])
        return lambda: _text([*old, *(self._made(tag).shown() for tag in added.values())])

    def as_now(self, text: str | None) -> str | None:
        """The tags of a record that was in the recycle bin as they are now: changed, merged, or gone."""
        shown = _decode(text or "[]")
        if not shown:
            return None
        now = {old: tag for tag in self.all() for old in (tag.id, *tag.merged)}
        tags = dict.fromkeys(now[int(each["id"])] for each in shown if int(each["id"]) in now)
        return _text([tag.shown() for tag in tags])

    def _made(self, tag: Tag | SentTag) -> Tag:
        if isinstance(tag, Tag):
            return tag
        assert tag.name is not None
        return self.named(tag.name) or self.add(tag.name, tag.color_code)

    def _require_room(self, new: Sequence[SentTag]) -> None:
        if new and len(self._by_id) + len(new) > MAX_OF_MODULE:
            raise limit_of_module(new[-1].path)

    # Changes

    def add(self, name: str, color_code: str | None) -> Tag:
        now, user = self._transaction.now, self._user
        tag = Tag(self._new_id(), self._module.id, name, color_code, user, now, user, now)
        self._by_id[tag.id] = tag
        self._names = None
        self._new.append(tag)
        return tag

    def _new_id(self) -> int:
        new_id = next(self._ids, None)
        if new_id is None:
            unknown = {folded(name) for name in self._expected if self.named(name) is None}
            self._expected.clear()
            self._ids = iter(self._transaction.new_ids(max(1, len(unknown))))
            new_id = next(self._ids)
        return new_id

    def change(self, tag: Tag, name: str, color_code: str | None) -> Tag:
        changed = self._put(replace(tag, name=name, color_code=color_code))
        if changed.shown() != tag.shown():
            self._in_records(tag, changed)
        return changed

    def remove(self, tag: Tag) -> None:
        self._by_id.pop(tag.id)
        self._names = None
        self._transaction.companions.remove([tag.id])
        self._in_records(tag, None)

    def merge(self, tag: Tag, into: Tag) -> Tag:
        """Give every record that has the tag the other one instead."""
        self._by_id.pop(tag.id)
        self._names = None
        self._transaction.companions.remove([tag.id])
        self._in_records(tag, into)
        return self._put(replace(into, merged=(*into.merged, *tag.merged, tag.id)))

    def write(self) -> None:
        """Write the new tags."""
        if self._new:
            self._transaction.companions.put([tag.companion() for tag in self._new])
            self._new.clear()

    def _put(self, tag: Tag) -> Tag:
        tag = replace(tag, modified_by=self._user, modified_time=self._transaction.now)
        self._by_id[tag.id] = tag
        self._names = None
        self._transaction.companions.put([tag.companion()])
        return tag

    def _in_records(self, tag: Tag, now: Tag | None) -> None:
        """Show a tag in all records as it is now, or leave it out. That is no change of the records themselves."""
        field, roll_ups = self._module.fields["Tag"], RollUps(self._organisation, self._transaction)
        for texts in self._holding(tag):
            changes = {
                record: {field.column: _text(_replaced(_decode(text), str(tag.id), now))}
                for record, text in texts.items()
            }
            if self._module.roll_ups:
                for record, row in self._transaction.rows(self._module, changes).items():
                    roll_ups.note(self._module, row, row | changes[record])
            self._transaction.update(self._module, changes)
        roll_ups.write()

    def _holding(self, tag: Tag) -> Iterator[dict[int, str]]:
        field, after = self._module.fields["Tag"], 0
        while texts := self._transaction.containing(self._module, field, f'"{tag.id}"', after, _PART):
            yield texts
            after = max(texts)


def find_tag(
    organisation: Organisation, transaction: Transaction, user: int, tag: int
) -> tuple[Tag, Module] | None:
    """A tag of any module, and the module."""
    found = transaction.companions.by_id([tag]).get(tag)
    if found is None and adopt_old(organisation, transaction, user):
        found = transaction.companions.by_id([tag]).get(tag)
    modules = {module.id: module for module in organisation.catalog.modules.values()}
    if found is None or found.kind != KIND or found.owner not in modules:
        return None
    return tag_of(found), modules[found.owner]


def adopt_old(organisation: Organisation, transaction: Transaction, user: int) -> bool:
    """Make companions of the tags that an organisation had before tags were companions; says if there were some."""
    numbers = {module.number: module.id for module in organisation.catalog.modules.values()}
    now = transaction.now
    old = transaction.take_old_tags()
    transaction.companions.put(
        [
            Tag(tag, numbers[number], name, None, user, now, user, now).companion()
            for tag, number, name in old
            if number in numbers
        ]
    )
    return bool(old)


def limit_of_module(path: str) -> Fault:
    return _limit(MAX_OF_MODULE, "name", f"{path}.name")


def _limit(limit: int, api_name: str, path: str) -> Fault:
    details = {"limit": limit, "api_name": api_name, "json_path": path}
    return Fault(400, "LIMIT_EXCEEDED", "limit exceeded", details)


def _stored(transaction: Transaction, module: Module) -> Iterator[Tag]:
    for companion in transaction.companions.of(KIND, [module.id]).get(module.id, []):
        yield tag_of(companion)


def _key(tag: Tag | SentTag) -> object:
    """The same for two tags that are one, of which some may have to be made."""
    return tag.id if isinstance(tag, Tag) else folded(tag.name)


def _replaced(shown: list[Shown], tag: str, now: Tag | None) -> list[Shown]:
    """The tags of a record, with one of them as it is now, or without it. None is there twice."""
    changed = [
        now.shown() if now and each["id"] == tag else each for each in shown if now or each["id"] != tag
    ]
    return list({each["id"]: each for each in changed}.values())


def _text(shown: list[Shown]) -> str | None:
    return _encode(shown).decode() if shown else None
