"""Access lines in the process log."""

import json
import logging
import os
import sys

import pytest

from moorage import logs
from moorage.logs import REQUEST_ID, JsonForm, Log, TerminalForm
from moorage.requests import lines
from moorage.requests.lines import AccessLines
from moorage.requests.notes import Notes
from moorage.requests.writer import Writer
from tests.calls import add, block_of, noted


@pytest.fixture
def form(monkeypatch):
    """Let the process log have this form, and a level."""

    def form(form, level="INFO"):
        monkeypatch.setattr(logging.getLogger(), "handlers", [handler := logs._StandardError()])
        handler.setFormatter(form)
        monkeypatch.setattr(logging.getLogger("moorage"), "level", getattr(logging, level))
        logging.getLogger("moorage").manager._clear_cache()

    yield form
    logging.getLogger("moorage").manager._clear_cache()


def write(*notes):
    access = AccessLines(Log("moorage.test"))
    if access.are_wanted:
        access.write(block_of(*notes), 1_796_000_000_000_000)


def test_a_line_of_json_has_what_every_line_has_and_the_request_id(form, capsys):
    form(JsonForm())
    write(noted("a", status=404), noted("a", request_id="r2"))
    [first, second] = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["request_id"]) == ("request.ended", "info", "r1")
    assert (first["status"], first["key"], first["path"], second["request_id"]) == (
        404,
        "key_1",
        "/crm/v8/Leads",
        "r2",
    )
    assert first["timestamp"].endswith("Z") and first["duration_ms"] == pytest.approx(5)


def test_at_a_terminal_it_is_text(form, capsys):
    form(TerminalForm(coloured=False))
    write(noted("a"))
    assert "request.ended" in (line := capsys.readouterr().err) and "request_id=r1" in line


def test_there_is_none_above_info(form, capsys):
    form(JsonForm(), "WARNING")
    write(noted("a"))
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a pipe does not say how full it is")
def test_a_pipe_that_nobody_reads_holds_up_nobody_and_is_told(form, monkeypatch):
    form(JsonForm())
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe, os.fdopen(reading) as other:
        monkeypatch.setattr(sys, "stderr", pipe)
        for _ in range(10):
            write(*[noted("a")] * 100)
        Log("moorage.test").warning("there.is.room")
        before = other.readline()
        assert "request.ended" in before
        os.set_blocking(reading, False)
        other.read()
        write(noted("a"))
        told = json.loads(other.readline())
        assert told["event"] == "logs.lines_lost" and told["count"] > 500


def test_a_second_has_only_so_many_lines_and_the_next_says_how_many_more_there_were(
    form, capsys, monkeypatch
):
    form(JsonForm())
    monkeypatch.setattr(lines, "MOST", 2)
    access = AccessLines(Log("moorage.test"))
    for now, count in ((1, 3), (1, 1), (2, 1)):
        monkeypatch.setattr(lines, "time", lambda now=now: now)
        access.write(block_of(*[noted("a")] * count), 0)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in told] == [
        *["request.ended"] * 2,
        "request.lines_left_out",
        "request.ended",
    ]
    assert told[2]["count"] == 2


def test_a_server_without_a_request_log_has_access_lines(control, form, capsys):
    form(JsonForm())
    notes = Notes()
    add(notes, noted("a", path="/x?token=abc"))
    control.run(Writer(None, notes, control.rooms.request_writer._classify).close())
    assert json.loads(capsys.readouterr().err)["path"] == "/x?token=*"


def test_every_line_has_the_id_of_the_request_it_is_about(form, capsys):
    form(JsonForm())
    token = REQUEST_ID.set("r7")
    Log("moorage.test").warning("something.happened")
    REQUEST_ID.reset(token)
    Log("moorage.test").warning("something.else")
    ids = [json.loads(line).get("request_id") for line in capsys.readouterr().err.splitlines()]
    assert ids == ["r7", None]
