"""How tables are printed: whole for programs, and within a terminal's lines for people."""

import pytest

from moorage.cli import output

HEADER = ("ID", "NAME", "SCOPES")
ROWS = [
    ("key_0d3f3c9a-5b1e", "ci", "connections:read proxy:zoho-crm:read proxy:e55c5bac-241a-4cc8-9db5-50d2cad09136"),
    ("key_1d3f3c9a-5b1e", None, "all"),
]  # fmt: skip


@pytest.fixture
def table(monkeypatch, capsys):
    """The lines of a table where there is room for so many characters; None is no terminal."""

    def table(room, header=HEADER, rows=ROWS):
        monkeypatch.setattr(output, "_room", lambda: room)
        output.print_table(header, rows)
        return capsys.readouterr().out.splitlines()

    return table


def test_what_is_no_terminal_gets_a_line_for_each(table):
    lines = table(None)
    assert len(lines) == 3 and lines[1].endswith(ROWS[0][2]) and lines[2].split() == [ROWS[1][0], "-", "all"]


@pytest.mark.parametrize("room", [20, 40, 60, 80, 100, 200])
def test_no_line_is_longer_than_the_terminal_and_nothing_is_lost(table, room):
    lines = table(room)
    assert max(map(len, lines)) <= room
    for cell in (*HEADER, *ROWS[0], *ROWS[1]):
        for word in (cell or "-").split():
            assert word[:16] in " ".join(lines)
    assert len(lines) == 3 or room < 120


def test_a_long_cell_at_the_end_goes_on_below_itself(table):
    assert table(80) == [
        "ID                 NAME  SCOPES",
        "key_0d3f3c9a-5b1e  ci    connections:read proxy:zoho-crm:read",
        "                         proxy:e55c5bac-241a-4cc8-9db5-50d2cad09136",
        "key_1d3f3c9a-5b1e  -     all",
    ]


def test_columns_that_have_no_room_go_on_in_an_indented_line(table):
    assert table(24) == [
        "ID                 NAME",
        "    SCOPES",
        "key_0d3f3c9a-5b1e  ci",
        "    connections:read",
        "    proxy:zoho-crm:read",
        "    proxy:e55c5bac-241a-",
        "    4cc8-9db5-50d2cad091",
        "    36",
        "key_1d3f3c9a-5b1e  -",
        "    all",
    ]


def test_a_table_without_rows_is_its_header(table):
    assert table(80, rows=[]) == ["ID  NAME  SCOPES"]


def test_states_are_coloured_at_a_terminal_unless_the_person_wants_none(table, monkeypatch):
    rows = [("a", "ACTIVE"), ("ACTIVEly", "FAILED")]
    monkeypatch.delenv("NO_COLOR", raising=False)
    lines = table(80, ("ID", "STATUS"), rows)
    assert lines[1] == "a         \x1b[32mACTIVE\x1b[0m"
    assert lines[2] == "ACTIVEly  \x1b[31mFAILED\x1b[0m"
    assert table(None, ("ID", "STATUS"), rows)[1] == "a         ACTIVE"
    monkeypatch.setenv("NO_COLOR", "1")
    assert table(80, ("ID", "STATUS"), rows)[1] == "a         ACTIVE"
