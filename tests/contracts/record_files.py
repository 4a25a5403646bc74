"""What a record store promises of files: the same bytes once, until nobody needs them, and then no longer."""

import asyncio
import hashlib
import tempfile

import pytest

from moorage.crm.storage import files as stored_files
from moorage.crm.storage.contract.files import LINGER, UNUSED, ContentGone, NewFile
from moorage.crm.storage.postgresql import files as postgresql_files
from tests.contracts.opened import Suite, awaited

ONE, OTHER = [b"\x00" * 1000, b"\xff" * 1000, b"end"], [b"another"]


def write(opened, parts=ONE, **file):
    """Write a content as an upload does, in several transactions. Gives the file that is added in the last one."""
    content = opened.write(lambda transaction: transaction.files.begin_content())
    for part in parts:
        opened.write(lambda transaction, part=part: transaction.files.add_parts(content, [part]))
    return opened.write(lambda transaction: finish(transaction, content, parts, **file))


def keep(opened, data, **file):
    """Keep the bytes of a file on the disk as an upload does, in two parts, or as `write` if the storage keeps none."""

    async def kept(files, content):
        with tempfile.TemporaryFile() as body:
            body.write(b"head" + data)
            body.flush()
            return await files.keep(content, body, 4, len(data))

    with pytest.MonkeyPatch.context() as patch:
        for module in (stored_files, postgresql_files):
            patch.setattr(module, "PART_SIZE", len(data) - 1)
        content = opened.write(lambda transaction: transaction.files.begin_content(2))
        name = ask(opened, lambda files: kept(files, content))
        if name is None:
            return write(opened, [data[:-1], data[-1:]], **file)

        def job(transaction):
            transaction.files.add_kept(content, name, 4, len(data))
            return finish(transaction, content, [data], **file)

        return opened.write(job)


def finish(transaction, content, parts=ONE, **file):
    data = b"".join(parts)
    held = transaction.files.finish_content(content, hashlib.sha256(data).hexdigest(), len(data))
    new = NewFile(**({"name": "a.txt", "created_by": 1, "size": len(data)} | file), content=held)
    return transaction.files.add([new])[0]


def parts_of(opened, content):
    async def read():
        return [bytes(part) async for part in opened.store.files.parts(content)]

    return asyncio.run(read())


def ask(opened, call):
    return asyncio.run(awaited(call(opened.store.files)))


def sweep(opened, most=100):
    """Sweep until nothing is due. Gives the steps that had something to remove."""
    steps = 0
    while opened.write(lambda transaction: transaction.files.sweep(most)):
        steps += 1
    return steps


def remove(opened, *files):
    opened.write(lambda transaction: transaction.files.remove(file.id for file in files))


class RecordFiles(Suite):
    def test_an_organisation_without_files_says_so(self, here, clock):
        assert ask(here, lambda files: files.find("none")) is None
        assert ask(here, lambda files: files.owned_by([1, 2])) == {}
        assert not ask(here, lambda files: files.has_due(int(clock.timestamp())))
        assert not ask(here, lambda files: files.has_content("none"))
        assert parts_of(here, 1) == []
        assert sweep(here) == 0
        remove(here)

    def test_a_file_shows_in_every_store_and_its_parts_as_they_came(self, here, there, reopen, clock):
        file = write(here, owner=7, name="a.txt")
        again = reopen()  # On some engines the first file makes its tables, and other stores are opened anew.
        assert ask(again, lambda files: files.find(file.key)) == file
        assert ask(again, lambda files: files.owned_by([6, 7])) == {7: [file]}
        assert parts_of(again, file.content) == ONE
        assert (file.name, file.size, file.owner, file.link) == ("a.txt", 2003, 7, None)
        assert file.created_time == int(clock.timestamp())
        assert len(file.key) >= 80
        again.store.close()

    def test_a_link_has_no_bytes(self, here):
        new = NewFile("docs", 1, link="https://docs.example/a", owner=7)
        [file] = here.write(lambda transaction: transaction.files.add([new]))
        assert ask(here, lambda files: files.owned_by([7])) == {7: [file]}
        assert (file.content, file.size, file.link) == (None, 0, "https://docs.example/a")
        remove(here, file)
        assert ask(here, lambda files: files.find(file.key)) is None

    def test_a_body_on_the_disk_is_kept_in_parts(self, here):
        file = keep(here, b"a body", owner=7)
        assert parts_of(here, file.content) == [b"a bod", b"y"]
        assert ask(here, lambda files: files.owned_by([7])) == {7: [file]}
        assert keep(here, b"a body", owner=8).content == file.content

    def test_the_same_bytes_are_kept_once(self, here, clock):
        first, second = write(here, owner=7), write(here, owner=8, name="b.txt")
        assert first.content == second.content
        assert first.key != second.key
        assert ask(here, lambda files: files.has_due(int(clock.timestamp())))  # The bytes that came again.
        assert sweep(here) == 1
        assert parts_of(here, first.content) == ONE
        digest = hashlib.sha256(b"".join(ONE)).hexdigest()
        assert here.write(lambda transaction: transaction.files.content_of(digest)) == first.content
        assert ask(here, lambda files: files.has_content(digest))

    def test_bytes_go_some_time_after_their_last_file(self, here, clock):
        first, _ = write(here, owner=7), write(here, owner=8)
        other = write(here, OTHER, owner=7)
        sweep(here)
        remove(here, first)
        clock.advance(10 * UNUSED)
        assert sweep(here) == 0
        here.write(lambda transaction: transaction.files.remove_all_of([8, 9]))
        clock.advance(LINGER - 1)
        assert sweep(here) == 0
        assert parts_of(here, first.content) == ONE
        clock.advance(1)
        assert ask(here, lambda files: files.has_due(int(clock.timestamp())))
        assert sweep(here, most=1) == 4  # A step for each part, and one for the content.
        assert parts_of(here, first.content) == []
        assert parts_of(here, other.content) == OTHER
        assert not ask(here, lambda files: files.has_due(int(clock.timestamp())))

    def test_bytes_that_come_again_meanwhile_stay(self, here, clock):
        remove(here, write(here, owner=7))
        again = write(here, owner=8)
        clock.advance(UNUSED)
        sweep(here)
        assert parts_of(here, again.content) == ONE

    def test_bytes_of_which_some_are_swept_are_written_anew(self, here, clock):
        gone = write(here, owner=7)
        remove(here, gone)
        clock.advance(LINGER)
        assert here.write(lambda transaction: transaction.files.sweep(1))
        with pytest.raises(ContentGone):
            here.write(lambda transaction: transaction.files.add_parts(gone.content, ONE))
        again = write(here, owner=8)
        assert again.content != gone.content
        sweep(here)
        assert parts_of(here, again.content) == ONE

    def test_an_upload_without_an_owner_is_kept_for_a_day(self, here, clock):
        unused, used = write(here), write(here, OTHER)
        here.write(lambda transaction: transaction.files.give({used.id: 7}))
        clock.advance(UNUSED - 1)
        assert sweep(here) == 0
        clock.advance(1)
        sweep(here)
        assert ask(here, lambda files: files.find(unused.key)) is None
        assert ask(here, lambda files: files.owned_by([7]))[7][0].key == used.key
        clock.advance(LINGER)
        sweep(here)
        assert parts_of(here, unused.content) == []
        assert parts_of(here, used.content) == OTHER

    def test_an_upload_that_is_broken_off_leaves_nothing(self, here, clock):
        content = here.write(lambda transaction: transaction.files.begin_content())
        here.write(lambda transaction: transaction.files.add_parts(content, ONE))
        clock.advance(UNUSED - 1)
        assert sweep(here) == 0
        assert parts_of(here, content) == ONE
        clock.advance(1)
        assert sweep(here) > 0
        assert parts_of(here, content) == []
        for call in (
            lambda files: files.add_parts(content, ONE),
            lambda files: files.finish_content(content, "d", 1),
        ):
            with pytest.raises(ContentGone):
                here.write(lambda transaction, call=call: call(transaction.files))

    def test_a_job_that_raises_adds_nothing(self, here):
        content = here.write(lambda transaction: transaction.files.begin_content())
        here.write(lambda transaction: transaction.files.add_parts(content, OTHER))

        def fail(transaction):
            finish(transaction, content, OTHER, owner=7)
            raise ArithmeticError

        with pytest.raises(ArithmeticError):
            here.write(fail)
        assert ask(here, lambda files: files.owned_by([7])) == {}
        file = here.write(lambda transaction: finish(transaction, content, OTHER, owner=7))
        found = here.write(lambda transaction: transaction.files.find([file.key, "none"]))
        assert found == {file.key: file}
        assert here.write(lambda transaction: transaction.files.owned_by([7, 8])) == {7: [file]}
