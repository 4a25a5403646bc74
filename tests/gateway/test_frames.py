"""Where frames begin and end, in whatever pieces they come."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.gateway.frames import Frames, close_frame


def frame(opcode, payload, mask=b""):
    size = len(payload)
    bit = 0x80 if mask else 0
    if size < 126:
        head = bytes((0x80 | opcode, bit | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, bit | 127)) + size.to_bytes(8, "big")
    return head + mask + payload


frame_drawn = st.builds(
    frame,
    st.sampled_from([0, 1, 2, 9, 10]),
    st.sampled_from([0, 1, 125, 126, 127, 65535, 65536, 70000]).map(bytes),
    st.sampled_from([b"", b"mask"]),
)


@given(sent=st.lists(frame_drawn, min_size=1, max_size=5), steps=st.lists(st.integers(1, 70000), max_size=30))
@settings(max_examples=200, deadline=None)
def test_a_boundary_is_found_after_each_frame_and_nowhere_else(sent, steps):
    data, boundaries, place = b"".join(sent), {0}, 0
    for each in sent:
        place += len(each)
        boundaries.add(place)
    frames, place = Frames(), 0
    for step in [*steps, len(data)]:
        frames.feed(data[place : place + step])
        place = min(place + step, len(data))
        assert frames.at_boundary == (place in boundaries)
    assert frames.at_boundary and not frames.closed


def test_byte_by_byte():
    frames = Frames()
    for byte in frame(2, bytes(300), b"mask")[:-1]:
        frames.feed(bytes((byte,)))
        assert not frames.at_boundary
    frames.feed(b"\0")
    assert frames.at_boundary and not frames.closed


def test_a_close_frame_is_noticed():
    for masked in (True, False):
        frames = Frames()
        frames.feed(close_frame(1001, "gone", masked=masked))
        assert frames.closed and frames.at_boundary


def test_a_close_frame_among_others_is_noticed():
    frames = Frames()
    frames.feed(frame(1, b"hi") * 3 + close_frame(1001, "gone", masked=False) + frame(1, b"hi"))
    assert frames.closed and frames.at_boundary


@pytest.mark.parametrize(
    "head", [b"\x82\x7e\x00\x7d", b"\x82\x7f" + (65535).to_bytes(8, "big"), b"\x82\xfe\x00\x00mask"]
)
def test_a_length_that_is_written_too_long_is_followed_no_further(head):
    frames = Frames()
    frames.feed(head + bytes(65535))
    frames.feed(frame(1, b"hi"))
    assert not frames.at_boundary


SMALL = {
    "empty": frame(2, b""), "empty and masked": frame(2, b"", b"mask"), "short": frame(1, bytes(50), b"mask"),
    "the longest short": frame(1, bytes(125)), "the shortest long": frame(1, bytes(126)),
    "an empty long": b"\x82\x7e\x00\x00", "an empty very long": b"\x82\x7f" + bytes(8),
}  # fmt: skip


@pytest.mark.parametrize("kind", SMALL)
def test_many_small_ones_in_one_read_hold_nobody_up(kind):
    frame_drawn, frames = SMALL[kind], Frames()
    data = frame_drawn * (256 * 1024 // len(frame_drawn))
    frames.feed(frame_drawn)
    begun = time.thread_time()
    frames.feed(data)
    assert (
        time.thread_time() - begun < 0.05
    )  # Each looked at by itself, the smallest take four times as long.
