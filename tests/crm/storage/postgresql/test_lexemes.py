"""The words of records as lexemes, without a database; `test_fulltext.py` asks PostgreSQL for them."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.crm.query.words import has_words, words_of
from moorage.crm.storage.postgresql.lexemes import (
    LAST_PLACE,
    MOST_PLACES,
    field_code,
    phrase_query,
    vectors,
    word_starts_query,
)

NAME, NOTE = SimpleNamespace(column="c36"), SimpleNamespace(column="c37")
MODULE = SimpleNamespace(full_text=[NAME, NOTE])


def read(vector):
    """The lexemes of a vector in PostgreSQL's binary form, with the places of each."""
    count, rest, lexemes = int.from_bytes(vector[:4], "big"), vector[4:], {}
    for _ in range(count):
        name, _, rest = rest.partition(b"\0")
        end = 2 + 2 * int.from_bytes(rest[:2], "big")
        lexemes[name.decode()] = [int.from_bytes(rest[n : n + 2], "big") for n in range(2, end, 2)]
        rest = rest[end:]
    assert not rest and len(lexemes) == count
    return lexemes


def test_lexemes_have_the_field_and_a_place_is_left_out_between_fields():
    row = {"id": 1, "c36": "La Cruz, LA", "c37": "la"}
    (vector,) = vectors(MODULE, row)
    assert read(vector) == {"^10.la": [1], "la.10": [1, 3], "cruz.10": [2], "^11.la": [5], "la.11": [5]}


@pytest.mark.parametrize("row", [{}, {"c36": None}, {"c36": " -- ", "c37": ""}])
def test_a_record_without_words_has_an_empty_vector(row):
    assert vectors(MODULE, row) == [bytes(4)]


@pytest.mark.parametrize(
    ("text", "start", "whole"),
    [
        ("La Cruz", False, "'la.10' <-> 'cruz.10'"),
        ("La Cruz", True, "'^10.la' <-> 'cruz':*"),
        ("Cru", True, "'^10.cru':*"),
        ("O'Brien' | !x:*", False, "'o.10' <-> 'brien.10' <-> 'x.10'"),
    ],
)
def test_a_phrase_is_in_its_field(text, start, whole):
    assert phrase_query(NAME, text, start=start).whole == whole


def test_phrases_in_any_field_all_begin_words():
    query = word_starts_query(["la", "de la-cru"])
    assert query.whole == "('la':*) & ('de.':* <-> 'la.':* <-> 'cru':*)"
    assert query.pieces == ("'la':*", "'de.':* <-> 'la.':* <-> 'cru':*")


@given(st.text().filter(has_words))
def test_only_letters_and_digits_are_quoted(text):
    for word in words_of(text):
        assert not {"'", "\\", ":", "^", ".", " "} & set(word)
    assert phrase_query(NAME, text, start=False).whole.count("'") == 2 * len(words_of(text))


def test_codes_of_fields_are_short_and_differ():
    codes = {field_code(f"c{number}") for number in range(1, 2000)}
    assert len(codes) == 1999
    assert max(map(len, codes)) == 3


@pytest.mark.parametrize(
    "text", ["the end " * 4000, " ".join(f"w{n}" for n in range(20_000)), "a " * 16_000, "é" * 50_000]
)
def test_a_long_text_keeps_within_the_limits_of_a_vector(text):
    parts = vectors(MODULE, {"c36": text, "c37": "last"})
    for part in parts:
        lexemes = read(part)
        assert len(part) < 2**20
        assert max(len(name.encode()) for name in lexemes) < 2046
        assert max(map(len, lexemes.values())) <= MOST_PLACES
        assert max(place for places in lexemes.values() for place in places) <= LAST_PLACE + 2
    assert "last.11" in read(parts[-1])


def test_a_long_phrase_is_asked_in_pieces_that_share_a_word():
    words = [f"w{n}" for n in range(100)]
    query = phrase_query(NAME, " ".join(words), start=False)
    assert query.whole.count("<->") == 99
    assert [piece.count("<->") for piece in query.pieces] == [30, 30, 30, 9]
    assert query.pieces[0].endswith("'w30.10'")
    assert query.pieces[1].startswith("'w30.10'")
