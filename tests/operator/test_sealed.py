"""Sealed files: whoever lacks the passphrase can neither read them nor change them unnoticed."""

import io
import json
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.operator.backups import sealed
from moorage.operator.backups.archive import Archive, check, extract
from moorage.operator.backups.errors import BackupDamaged, BackupUnreadable, PassphraseWrong
from moorage.operator.backups.sealed import MAGIC, Opening, Sealing

WORDS = "correct horse"
CHUNK, SEALED = 64, 64 + 16


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(sealed, "COST", 2)
    monkeypatch.setattr(sealed, "CHUNK", CHUNK)


def seal(content, *, parts=1):
    file = io.BytesIO()
    sealing = Sealing(file, WORDS)
    step = max(1, len(content) // parts)
    for at in range(0, len(content), step):
        sealing.write(content[at : at + step])
    sealing.finish()
    return file.getvalue()


def opened(tmp_path, content, words=WORDS):
    opening = Opening(tmp_path / "x", io.BytesIO(content), words)
    read = opening.read()
    opening.finish()
    return read


def chunks(content):
    """The two lines at the beginning, and the chunks."""
    begin = content.index(b"\n", len(MAGIC)) + 1
    return content[:begin], [content[at : at + SEALED] for at in range(begin, len(content), SEALED)]


@given(st.integers(0, 4 * CHUNK), st.integers(1, 7))
@settings(max_examples=20)
def test_any_length_comes_back(tmp_path_factory, length, parts):
    content = bytes(number % 251 for number in range(length))
    assert opened(tmp_path_factory.getbasetemp(), seal(content, parts=parts)) == content


def test_no_two_files_have_a_chunk_in_common(tmp_path):
    content = bytes(3 * CHUNK)
    (_, first), (_, second) = chunks(seal(content)), chunks(seal(content))
    assert len({*first, *second}) == 6 and content[:20] not in b"".join(first)


def damages():
    """Names of damages, and what each makes of the beginning and the chunks of a file."""
    other = lambda chunks: seal_of_other()[:1] + chunks[1:]  # noqa: E731
    return {
        "cut within a chunk": lambda chunks: [*chunks[:-1], chunks[-1][:-1]],
        "cut at the end of a chunk": lambda chunks: chunks[:-1],
        "cut to nothing": lambda _: [],
        "two chunks in another order": lambda chunks: [chunks[1], chunks[0], *chunks[2:]],
        "a chunk is missing": lambda chunks: [chunks[0], *chunks[2:]],
        "a chunk twice": lambda chunks: [chunks[0], *chunks],
        "something behind the end": lambda chunks: [*chunks, b"x"],
        "the last chunk again": lambda chunks: [*chunks, chunks[-1]],
        "a bit is another one": lambda chunks: [bytes([chunks[0][0] ^ 1]) + chunks[0][1:], *chunks[1:]],
        "a chunk of another file": other,
    }


def seal_of_other():
    return chunks(seal(bytes(3 * CHUNK + 5)))[1]


@pytest.mark.parametrize("name", damages())
def test_every_damage_is_noticed(tmp_path, name):
    begin, parts = chunks(seal(bytes(3 * CHUNK + 5)))
    with pytest.raises(BackupDamaged):
        opened(tmp_path, begin + b"".join(damages()[name](parts)))


@pytest.mark.parametrize(
    ("begin", "error"),
    [
        (b"", BackupUnreadable),
        (b"PK\x03\x04", BackupUnreadable),
        (b"moorage backup 2\n", BackupUnreadable),
        (MAGIC, BackupDamaged),
        (MAGIC + b"[]\n", BackupDamaged),
        (MAGIC + b'{"cost": 2, "salt": 7, "check": ""}\n', BackupDamaged),
        (MAGIC + b'{"cost": -1, "salt": "00", "check": "00"}\n', BackupDamaged),
        (MAGIC + b"x" * 5000, BackupDamaged),
    ],
)
def test_what_is_no_backup_is_told(tmp_path, begin, error):
    with pytest.raises(error):
        opened(tmp_path, begin)


def test_another_passphrase_and_another_beginning_open_nothing(tmp_path):
    content = seal(b"secret")
    with pytest.raises(PassphraseWrong):
        opened(tmp_path, content, "correct horse ")
    header = json.loads(content.splitlines()[1])
    other = json.dumps(header | {"cost": header["cost"] + 1}).encode()
    with pytest.raises(PassphraseWrong):
        opened(tmp_path, content.replace(content.splitlines()[1], other))


def archive(tmp_path, *members):
    """A sealed file with these members of a tar archive."""
    path = tmp_path / "file"
    with path.open("wb") as file:
        sealing = Sealing(file, WORDS)
        with tarfile.open(mode="w|", fileobj=sealing) as tar:
            for member, content in members:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        sealing.finish()
    return path


def test_parts_come_back_as_they_were(tmp_path):
    (tmp_path / "part").write_bytes(bytes(range(256)))
    with (tmp_path / "file").open("wb") as file:
        written = Archive(file, WORDS, {"made_at": "now"}, lambda _: None)
        written.add("crm/orgs/demo.db", tmp_path / "part")
        contents = written.finish()
    assert check(tmp_path / "file", WORDS) == contents and contents.organisations == ["demo"]
    extract(tmp_path / "file", WORDS, tmp_path / "into")
    assert [path.name for path in (tmp_path / "into").rglob("*") if path.is_file()] == ["demo.db"]
    assert (tmp_path / "into/crm/orgs/demo.db").read_bytes() == bytes(range(256))


@pytest.mark.parametrize("name", ["../lock", "/etc/passwd", "a/../../b", ".bashrc", "a\nb", "a//b", "x/" * 5])
def test_no_part_leads_out_of_the_folder(tmp_path, name):
    path = archive(tmp_path, (tarfile.TarInfo("about.json"), b"{}"), (tarfile.TarInfo(name), b"x"))
    with pytest.raises(BackupUnreadable):
        extract(path, WORDS, tmp_path / "into")
    assert not (tmp_path / "lock").exists()


def test_a_link_is_no_part(tmp_path):
    link = tarfile.TarInfo("vault.key")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(BackupUnreadable):
        extract(archive(tmp_path, (link, b"")), WORDS, tmp_path / "into")


@pytest.mark.parametrize("listed", ["[]", '[["about.json", 2, "00"]]', None])
def test_parts_that_are_not_those_of_the_list_are_noticed(tmp_path, listed):
    members = [(tarfile.TarInfo("about.json"), b"{}")]
    if listed is not None:
        members.append((tarfile.TarInfo("parts.json"), listed.encode()))
    with pytest.raises(BackupDamaged):
        check(archive(tmp_path, *members), WORDS)
