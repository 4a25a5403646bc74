"""Parts of a multipart body are found wherever they are, and a broken body says so."""

import contextlib
import hashlib
from io import BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moorage.http import multipart
from moorage.http.multipart import CHUNK, MAX_PARTS, MultipartBroken, chunks_of, parts_in
from tests.crm.uploads import BOUNDARY, MULTIPART, body, part

TYPE = MULTIPART["content-type"]


def read(data, content_type=TYPE):
    file = BytesIO(data)
    found = [(p, b"".join(chunks_of(file, p))) for p in parts_in(file, content_type)]
    assert [p.digest for p, _ in found] == [hashlib.sha256(data).hexdigest() for _, data in found]
    return [(p.name, p.filename, data) for p, data in found]


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=40), max_size=3), st.integers(1, 9))
@example([b"\r\n--b0undar", b"\r\n", b""], 1)
@example([f"--{BOUNDARY}--".encode()], 3)
def test_parts_are_what_was_sent_wherever_the_chunks_end(data, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multipart, "CHUNK", size)
        assert read(body(*map(part, data))) == [("file", "a.txt", each) for each in data]


def test_a_part_may_be_longer_than_a_chunk():
    data = bytes(range(256)) * (CHUNK // 256) + b"\r\n--b0undarx"
    assert read(b"preamble\r\n" + body(part(data), part(b"x", "field", None)) + b"epilogue") == [
        ("file", "a.txt", data),
        ("field", None, b"x"),
    ]
    place = next(parts_in(BytesIO(body(part(data))), TYPE))
    assert [len(chunk) for chunk in chunks_of(BytesIO(body(part(data))), place, 100_000)][:2] == [100_000] * 2


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (b"a.txt", "a.txt"),
        ("Überblick, 見積.pdf".encode(), "Überblick, 見積.pdf"),
        (rb"say \"no\".txt", 'say "no".txt'),
        (b"say %22no%22 100%25.txt", 'say "no" 100%25.txt'),
        (b"two%0D%0Alines", "two\r\nlines"),
        (rb"C:\\dir\\a.txt", r"C:\dir\a.txt"),
        (b"semi;colon=1.txt", "semi;colon=1.txt"),
        (b"", ""),
        (b"\xff.txt", "\ufffd.txt"),
        (b"plain.txt\"; filename*=\"UTF-8''%E8%A6%8B.txt", "見.txt"),
    ],
)
def test_names_are_read_as_clients_write_them(sent, name):
    assert read(body(part(b"", filename=sent)))[0][1] == name


BROKEN = [
    (b"", TYPE),
    (body(part(b"x")), "multipart/form-data"),
    (body(part(b"x")), f"text/plain; boundary={BOUNDARY}"),
    (body(part(b"x")), None),
    (body(part(b"x"))[:-12], TYPE),
    (body(part(b"x")).replace(b"\r\n\r\n", b"\r\n"), TYPE),
    (body(part(b"x", more=b"x" * 9000)), TYPE),
    (body(*[part(b"x")] * (MAX_PARTS + 1)), TYPE),
    (b"no boundary at all" * 100, TYPE),
]


@pytest.mark.parametrize(("data", "content_type"), BROKEN)
def test_what_is_broken_is_refused(data, content_type):
    with pytest.raises(MultipartBroken):
        read(data, content_type)


@settings(max_examples=30)
@given(st.binary(max_size=100), st.integers(0, 200))
def test_any_bytes_are_parts_or_broken(noise, place):
    data = body(part(b"x"))
    with contextlib.suppress(MultipartBroken):
        read(data[:place] + noise + data[place:])
