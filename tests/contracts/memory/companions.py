"""The companions of an organisation."""

import msgspec

from moorage.crm.storage.contract.companions import CompanionPage


class MemoryCompanions:
    """See `Companions` for what the calls promise."""

    def __init__(self, contents) -> None:
        self._companions = contents.companions

    def put(self, companions):
        for companion in companions:
            stored = msgspec.json.decode(msgspec.json.encode(companion.body))
            self._companions[companion.id] = msgspec.structs.replace(companion, body=stored)

    def remove(self, ids):
        for companion in list(ids):
            self._companions.pop(companion, None)

    def remove_all_of(self, owners):
        owners = set(owners)
        self.remove([c.id for c in self._companions.values() if c.owner in owners])

    def by_id(self, ids):
        return {companion: self._companions[companion] for companion in ids if companion in self._companions}

    def of(self, kind, owners):
        return self._grouped(kind, "owner", set(owners))

    def named(self, kind, names):
        return self._grouped(kind, "name", set(names))

    def _grouped(self, kind, key, values):
        groups = {}
        for companion in ordered(self._companions, kind):
            if getattr(companion, key) in values:
                groups.setdefault(getattr(companion, key), []).append(companion)
        return groups


def ordered(companions, kind):
    return [companions[number] for number in sorted(companions) if companions[number].kind == kind]


def page(companions, which, window):
    chosen = [
        companion
        for companion in ordered(companions, which.kind)
        if which.owner in {None, companion.owner} and which.name in {None, companion.name}
        if which.owners is None or companion.owner in which.owners
        if which.names is None or companion.name in which.names
    ]
    if which.newest_first:
        chosen.reverse()
    end = window.offset + window.limit
    return CompanionPage(chosen[window.offset : end], len(chosen) > end)
