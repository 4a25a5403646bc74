"""Names of files: kept as people wrote them, without paths and what nobody sees, and never more than a name."""

from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moorage.crm.files.names import MAX_NAME, NAMELESS, disposition, file_name


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a.txt", "a.txt"),
        ("Überblick, 見積.pdf", "Überblick, 見積.pdf"),
        ("../../etc/passwd", "passwd"),
        (r"C:\dir\a.txt", "a.txt"),
        ("two\r\nlines\0.txt", "twolines.txt"),
        ("\u202etxt.exe", "txt.exe"),
        ("👩\u200d💻.png", "👩\u200d💻.png"),
        (" a.txt ", "a.txt"),
        ("..", NAMELESS),
        ("dir/", NAMELESS),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("." + "x" * 300, "." + "x" * 254),
    ],
)
def test_a_name_is_the_last_part_of_a_path_that_people_see(sent, kept):
    assert file_name(sent) == kept


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"])))
@example('say "no".txt')
def test_a_header_has_one_line_and_says_the_name(sent):
    name = file_name(sent)
    assert 0 < len(name) <= MAX_NAME
    value = disposition(name).decode("ascii")
    assert value.isprintable()
    assert value.startswith('attachment; filename="') and value.count('"') == 2
    assert unquote(value.rpartition("'")[2]) == name
