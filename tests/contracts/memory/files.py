"""The files of an organisation."""

import secrets

import msgspec

from moorage.crm.storage.contract.files import LINGER, UNUSED, ContentGone, StoredFile


class MemoryFiles:
    """See `FileChanges` for what the calls promise. Nothing that is stored is changed, but replaced."""

    def __init__(self, contents, now, new_ids) -> None:
        self._stored = contents
        self._now = now
        self._new_ids = new_ids

    def begin_content(self, parts=0):
        content = self._new_ids(1 + parts)[0]
        self._stored.contents[content] = (None, self._now + UNUSED, [])
        return content

    def add_parts(self, content, parts):
        due, written = self._unfinished(content)
        self._stored.contents[content] = (None, due, [*written, *parts])

    def finish_content(self, content, digest, size):
        due, parts = self._unfinished(content)
        assert sum(map(len, parts)) == size
        same = self.content_of(digest)
        if same is not None:
            self._stored.contents[content] = (None, self._now, parts)
            return same
        self._stored.contents[content] = (digest, due, parts)
        return content

    def content_of(self, digest):
        return next((c for c, (held, _, _) in self._stored.contents.items() if held == digest), None)

    def add(self, files):
        return [self._add(file) for file in files]

    def _add(self, file):
        [new_id] = self._new_ids(1)
        due = self._now + UNUSED if file.owner is None else None
        stored = StoredFile(
            new_id,
            secrets.token_hex(40),
            file.name,
            file.size,
            file.content,
            file.link,
            file.owner,
            self._now,
            file.created_by,
        )
        self._stored.files[new_id] = (stored, due)
        if file.content is not None:
            digest, _, parts = self._stored.contents[file.content]
            self._stored.contents[file.content] = (digest, None, parts)
        return stored

    def find(self, keys):
        asked = set(keys)
        return {file.key: file for file, _ in self._stored.files.values() if file.key in asked}

    def owned_by(self, owners):
        asked, owned = set(owners), {}
        for file, _ in self._stored.files.values():
            if file.owner in asked:
                owned.setdefault(file.owner, []).append(file)
        return owned

    def give(self, owners):
        for file, owner in owners.items():
            stored, _ = self._stored.files[file]
            self._stored.files[file] = (msgspec.structs.replace(stored, owner=owner), None)

    def remove(self, files):
        for file in files:
            stored, _ = self._stored.files.pop(file, (None, None))
            if stored is None or stored.content is None:
                continue
            if all(other.content != stored.content for other, _ in self._stored.files.values()):
                digest, _, parts = self._stored.contents[stored.content]
                self._stored.contents[stored.content] = (digest, self._now + LINGER, parts)

    def remove_all_of(self, owners):
        self.remove([file.id for files in self.owned_by(owners).values() for file in files])

    def sweep(self, most):
        files = [i for i, (_, due) in self._stored.files.items() if self._is_due(due)][:most]
        if files:
            self.remove(files)
            return True
        for content, (_, due, parts) in list(self._stored.contents.items()):
            if self._is_due(due):
                self._stored.contents[content] = ("", due, parts[most:])  # Nobody finds or writes it.
                if len(parts) < most:
                    del self._stored.contents[content]
                return True
        return False

    def has_due(self):
        dues = [due for _, due in self._stored.files.values()]
        dues += [due for _, due, _ in self._stored.contents.values()]
        return any(map(self._is_due, dues))

    def _is_due(self, due):
        return due is not None and due <= self._now

    def _unfinished(self, content):
        digest, due, parts = self._stored.contents.get(content, ("", None, []))
        if digest is not None:
            raise ContentGone
        return due, parts


class MemoryFileReads:
    """See `FileReads` for what the calls promise. `contents` gives what the organisation holds at the moment."""

    def __init__(self, contents) -> None:
        self._contents = contents

    async def find(self, key):
        return self._files().find([key]).get(key)

    async def owned_by(self, owners):
        return self._files().owned_by(owners)

    async def owned_after(self, file, limit):
        files = (each for each, _ in sorted(self._contents().files.values(), key=lambda pair: pair[0].id))
        return [each for each in files if each.id > file and each.owner is not None][:limit]

    async def has_due(self, now):
        return MemoryFiles(self._contents(), now, None).has_due()

    async def has_content(self, digest):
        return self._files().content_of(digest) is not None

    async def keep(self, content, body, start, size):
        """Only parts are kept."""

    async def tidy(self):
        """There is nothing beside."""

    async def parts(self, content):
        for part in self._contents().contents.get(content, (None, None, []))[2]:
            yield part

    def _files(self):
        return MemoryFiles(self._contents(), 0, None)
