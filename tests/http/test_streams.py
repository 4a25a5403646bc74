"""Long bodies and answers in parts, at an origin of one door and through the gateway alike."""

import hashlib
import io
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.crm.wire.refusals import refusal
from moorage.http.answering import answering
from moorage.http.spool import Spool
from tests.gateway.wire import AUTHORIZED
from tests.http.doors import KINDS, PART, End, Streams, behind, digest, pattern
from tests.http.origin import HOST, Origin
from tests.waiting import wait_until

MB = 1 << 20


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def streams(tmp_path):
    return Streams(tmp_path)


@pytest.fixture
def end(kind, streams):
    with behind(kind, streams) as end:
        yield end


@pytest.fixture
def client(end):
    with end.connect() as client:
        yield client


def is_idle(streams):
    return streams.budget.held == streams.spool.used == 0


# Answers in parts.


@pytest.fixture(scope="module", params=KINDS)
def shared(request, tmp_path_factory):
    """A door for many answers, and a client."""
    streams = Streams(tmp_path_factory.mktemp("spool"))
    with behind(request.param, streams) as end, end.connect() as client:
        yield streams, end, client


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.sampled_from([0, 1, 2, 1000, PART - 1, PART, PART + 1, 300_000]), max_size=12))
def test_parts_of_any_size_arrive_as_one_body_of_the_length_that_was_said(shared, sizes):
    streams, end, client = shared
    streams.sizes = sizes
    for method in ("GET", "HEAD"):
        client.send(end.get(method=method))
        answer = client.answer(bare=method == "HEAD")
        assert answer.names["content-length"] == str(sum(sizes))
        assert answer.body == (b"" if method == "HEAD" else pattern(0, sum(sizes)))
        assert "connection" not in answer.names and "transfer-encoding" not in answer.names


def test_answers_in_parts_keep_the_order_of_their_requests(client, end, streams):
    streams.sizes = [PART] * 20
    client.send(end.get() * 3)
    for _ in range(3):
        assert client.answer().body == pattern(0, 20 * PART)


@pytest.mark.parametrize(("asked", "said"), [("", "close"), ("Connection: keep-alive\r\n", "keep-alive")])
def test_a_client_of_the_older_http_learns_whether_the_connection_goes_on(client, end, streams, asked, said):
    streams.sizes = [1000, 1000]
    client.send(end.get(version="1.0", headers=asked))
    answer = client.answer()
    assert (answer.names["connection"], answer.body) == (said, pattern(0, 2000))
    if said == "close":
        assert client.everything() == b""
    else:
        client.send(end.get(version="1.0", headers=asked))
        assert client.answer().body == pattern(0, 2000)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_can_have_no_body_has_none(client, end, streams, status):
    streams.sizes, streams.status = [1000], status
    client.send(end.get() + end.get())
    assert [client.answer().status, client.answer().status] == [status, status]
    assert streams.asked == 0


def test_whoever_reads_nothing_is_sent_little_and_all_of_it_once_they_do(client, end, streams):
    streams.sizes = [PART] * (50 << 4)
    client.send(end.get())
    wait_until(lambda: streams.asked > 4 * PART)
    asked = -1
    while asked != streams.asked:  # Until nothing more is asked for.
        asked = streams.asked
        time.sleep(0.2)
    assert asked < 20 * MB  # What both ends of the socket take, and a part or two.
    assert client.answer().body == pattern(0, 50 * MB)
    assert streams.closed.wait(5)


def test_parts_are_asked_for_no_more_once_their_caller_is_gone(end, streams):
    streams.sizes = [PART] * (500 << 4)
    with end.connect() as client:
        client.send(end.get())
        client.take(3 * PART)
    assert streams.closed.wait(5)
    assert streams.asked < 100 * MB


def test_who_takes_nothing_for_as_long_as_an_idle_connection_is_kept_is_given_up(kind, streams):
    streams.sizes = [PART] * (50 << 4)
    with behind(kind, streams, keep_alive=0.3) as end, end.connect() as client:
        client.send(end.get())
        assert streams.closed.wait(10)
        with pytest.raises((ConnectionResetError, EOFError)):
            client.take(50 * MB)


def test_who_reads_slowly_is_not_given_up(kind, streams):
    streams.sizes = [PART] * (24 << 4)
    with behind(kind, streams, keep_alive=2.0) as end, end.connect() as client:
        client.send(end.get())
        taken = client.take(1)
        while len(taken) < 24 * MB:
            taken += client.take(min(MB, 24 * MB - len(taken)))
            time.sleep(0.12)  # So that all of it takes longer than nothing may.
    body = taken[taken.index(b"\r\n\r\n") + 4 :]
    assert body == pattern(0, len(body)) and streams.closed.wait(5)


@pytest.mark.parametrize("fault", ["an error", "too few", "too many"])
def test_an_answer_that_can_not_be_ended_as_it_was_said_does_not_look_whole(client, end, streams, fault):
    streams.sizes = [PART] * 4
    if fault == "an error":
        streams.length, streams.trouble = 5 * PART, OSError("the disk failed")
    else:
        streams.length = 5 * PART if fault == "too few" else 3 * PART + 1
    client.send(end.get())
    with pytest.raises((ConnectionResetError, EOFError)):
        client.take(20 * PART)
    assert streams.closed.wait(5)


def test_an_answer_that_a_stopping_server_can_not_end_does_not_look_whole(streams):
    streams.sizes = [PART] * (50 << 4)
    server = Origin(protocol=answering(streams.door, render_error=refusal), drain=0.2)
    with server.connect() as client:
        client.send(f"GET /a HTTP/1.1\r\n{HOST}\r\n")
        wait_until(lambda: streams.asked > 4 * PART)
        server.stop()
        assert streams.closed.is_set()
        with pytest.raises((ConnectionResetError, EOFError)):
            client.take(50 * MB)


# Long bodies.


def send(client, end, body, path, framing):
    if framing == "a length":
        client.send(end.post(len(body), path))
        client.send(body)
        return
    client.send(end.get(path, method="POST", headers="Transfer-Encoding: chunked\r\n"))
    for start in range(0, len(body), 100_000):
        part = body[start : start + 100_000]
        client.send(b"%x\r\n%b\r\n" % (len(part), part))
    client.send(b"0\r\n\r\n")


@pytest.mark.parametrize("size", [1, MB, 5 * MB + 17])
@pytest.mark.parametrize("framing", ["a length", "chunks"])
def test_a_body_is_the_same_from_memory_and_from_disk(client, end, streams, size, framing):
    body = pattern(0, size)
    send(client, end, body, "/whole", framing)
    assert client.answer().body == body
    send(client, end, body, "/file", framing)
    assert client.answer().body.decode() == digest(io.BytesIO(body))
    assert streams.bodies == ["bytes" if size <= MB else "SpooledBody"] * 2
    wait_until(lambda: is_idle(streams))


def test_the_next_request_may_follow_a_long_body_at_once(client, end, streams):
    body = pattern(0, 3 * MB)
    client.send(end.post(len(body)).encode() + body + end.post(3, "/whole").encode() + b"abc")
    assert client.answer().body.decode() == digest(io.BytesIO(body))
    assert client.answer().body == b"abc"


def test_a_body_that_comes_slowly_holds_no_more_memory_than_a_short_one(client, end, streams):
    body = pattern(0, 20 * MB)
    client.send(end.post(len(body) + 1))
    client.send(body)
    wait_until(lambda: streams.spool.used > 18 * MB)
    assert streams.budget.held < 2 * MB
    client.send(b"x")
    assert client.answer().body.decode() == digest(io.BytesIO(body + b"x"))


def test_a_spooled_body_has_no_name_in_its_folder_and_ends_with_its_answer(client, end, streams, tmp_path):
    client.send(end.post(3 * MB, "/later"))
    client.send(pattern(0, 3 * MB))
    wait_until(lambda: streams.bodies)
    assert streams.spool.used == 3 * MB and not list(tmp_path.iterdir())
    streams.released.set()
    assert client.answer().status == 200
    wait_until(lambda: is_idle(streams))


def test_nothing_stays_of_a_body_whose_sender_goes_midway(end, streams):
    with end.connect() as client:
        client.send(end.post(5 * MB))
        client.send(pattern(0, 3 * MB))
        wait_until(lambda: streams.spool.used)
    wait_until(lambda: is_idle(streams))
    assert streams.bodies == []


def test_a_write_is_done_though_its_sender_went_after_its_body(end, streams):
    with end.connect() as client:
        client.send(end.post(3 * MB, "/later"))
        client.send(pattern(0, 3 * MB))
        wait_until(lambda: streams.bodies)
    streams.released.set()
    wait_until(lambda: is_idle(streams))


def refused(client, end, size, path="/a"):
    """The answer to a long body of which half is sent, or the rest, too, where that is asked for."""
    client.send(end.post(size, path))
    client.send(pattern(0, size // 2))
    return client.answer()


def test_beyond_the_bound_of_the_disk_a_long_body_is_put_off_and_a_shorter_one_taken(kind, tmp_path):
    streams = Streams(tmp_path, disk=4 * MB)
    with behind(kind, streams) as end, end.connect() as client, end.connect() as other:
        answer = refused(client, end, 12 * MB)
        assert (answer.status, answer.names["retry-after"]) == (503, "5")
        other.send(end.post(MB, "/file"))
        other.send(pattern(0, MB))
        assert other.answer().status == 200
    wait_until(lambda: is_idle(streams))


def test_a_body_that_memory_has_no_room_for_is_still_read_from_its_file(kind, tmp_path):
    streams = Streams(tmp_path, memory=4 * MB)
    body = pattern(0, 5 * MB)
    with behind(kind, streams) as end, end.connect() as client:
        for path, expected in [
            ("/whole", (503, b"too_busy")),
            ("/file", (200, digest(io.BytesIO(body)).encode())),
        ]:
            send(client, end, body, path, "a length")
            answer = client.answer()
            assert (answer.status, answer.body) == expected
    wait_until(lambda: is_idle(streams))


class FullDisk(Spool):
    def open(self):
        return io.FileIO("/dev/full", "r+")


class LittleRoom(Spool):
    def __init__(self, folder, explain):
        super().__init__(folder, explain, left_free=1 << 60)


class NoFolder(Spool):
    def open(self):
        self._folder = self._folder / "missing"
        return super().open()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("trouble", [FullDisk, LittleRoom, NoFolder])
def test_a_disk_in_trouble_is_told_as_that(client, end, streams, tmp_path, trouble):
    streams.budget.spool = spool = trouble(tmp_path, streams.spool.explain)
    answer = refused(client, end, 4 * MB)
    assert answer.status == 503 and b"the disk: " in answer.body
    wait_until(lambda: streams.budget.held == spool.used == 0)
    with end.connect() as other:
        other.send(end.post(3, "/whole") + "abc")
        assert other.answer().body == b"abc"


def test_a_long_body_is_refused_at_its_limit(kind, tmp_path):
    streams = Streams(tmp_path, most=3 * MB)
    with behind(kind, streams) as end:
        for framing in ("Content-Length: 4000000", "Transfer-Encoding: chunked"):
            with end.connect() as client:
                client.send(f"POST {end.prefix}/a HTTP/1.1\r\n{end.headers}{framing}\r\n\r\n")
                if framing.endswith("chunked"):
                    client.send(b"%x\r\n%b" % (4_000_000, pattern(0, 4_000_000)))
                assert client.answer().status == 413
    wait_until(lambda: is_idle(streams))


# What all of it takes.


def test_fifty_megabytes_go_up_and_down_in_little_memory(kind):
    """In a process of its own, whose peak is what the system says it was."""
    command = [sys.executable, "-m", "tests.http.doors", kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def peak():
            process.stdin.write("\n")
            process.stdin.flush()
            return int(process.stdout.readline()) * 1024

        headers = AUTHORIZED if kind == "gateway" else "Host: a.test\r\n"
        end = End(int(process.stdout.readline()), "/zoho-crm" if kind == "gateway" else "", headers, None)
        body = pattern(0, 50 * MB)
        with end.connect() as client:
            client.send(end.post(3 * MB))
            client.send(body[: 3 * MB])
            assert client.answer().status == 200
            before = peak()
            client.send(end.post(len(body)))
            client.send(body)
            assert client.answer().body.decode() == f"{len(body)} {hashlib.sha256(body).hexdigest()}"
            client.send(end.get())
            assert client.answer().body == body
        assert peak() - before < 20 * MB
        process.stdin.close()
        assert process.wait(20) == 0
