"""SQLite's tokenizer splits a text that is indexed into the words that `words_of` says it has, for all of Unicode."""

import sys
import unicodedata

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.crm.query.words import plain_text, words_of
from moorage.crm.storage.sqlite.fulltext import creation

# They are letters since Unicode 8, and the tokenizer still takes them for signs, which part words.
VOWEL_SIGNS = {chr(code) for code in (*range(0x19B0, 0x19C1), 0x19C8, 0x19C9, 0x1CF2, 0x1CF3)}
KEEPS_ITS_ACCENTS = {"Ǡ", "ǡ"}  # Alone of all Latin letters.
DIFFERENT = VOWEL_SIGNS | KEEPS_ITS_ACCENTS

characters = st.characters(exclude_categories=["Cs"], exclude_characters=["\0", *DIFFERENT])


class Tokenizer:
    """Splits texts as the full text of records does."""

    def __init__(self) -> None:
        self._connection = apsw.Connection(":memory:")
        sql = creation("words", ["text"]).replace("content='', contentless_delete=1, ", "")
        self._connection.execute(sql)
        self._connection.execute("CREATE VIRTUAL TABLE tokens USING fts5vocab(words, 'instance')")

    def words(self, texts):
        with self._connection:
            self._connection.execute("DELETE FROM words")
            rows = [(number, plain_text(text)) for number, text in enumerate(texts)]
            self._connection.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", rows)
        words = [[] for _ in texts]
        for term, row, _, _ in self._connection.execute('SELECT * FROM tokens ORDER BY doc, "offset"'):
            words[row].append(term)
        return words


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer()


def test_each_character_is_the_same_part_of_a_word(tokenizer):
    everything = (chr(code) for code in range(1, sys.maxunicode + 1))
    assigned = [c for c in everything if unicodedata.category(c) not in {"Cs", "Cn", "Co"}]
    texts = [f"a{character}b {character}" for character in assigned]
    pairs = zip(assigned, texts, tokenizer.words(texts), strict=True)
    differences = {character for character, text, words in pairs if words != words_of(text)}
    assert len(assigned) > 100_000
    assert differences == {c for c in DIFFERENT if c in assigned}


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text(characters, max_size=30), min_size=1, max_size=20))
def test_any_text_has_the_same_words(tokenizer, texts):
    assert tokenizer.words(texts) == [words_of(text) for text in texts]


WORDS = [
    "Йогурт",
    "ёлка",
    "Ελλάδα",
    "Νίκος",
    "Ўзбек",
    "한국어",
    "がっこう",
    "Ñandú",
    "Αθήνα",
    "თბილისი",
    "آب",
    "𞤆𞤵𞤤",
]


def spellings(word):
    forms = [unicodedata.normalize(form, word) for form in ("NFC", "NFD")]
    return {
        spelled for form in forms for spelled in (form, form.lower(), form.upper(), f"₺{form}", f"🥛{form}")
    }


@pytest.mark.parametrize("word", WORDS)
def test_a_record_is_found_by_its_own_word_however_that_is_spelled(crm, word):
    ids = crm.insert("Leads", *[{"Last_Name": spelled} for spelled in sorted(spellings(word))])
    for spelled in spellings(word):
        records = crm.get("Leads/search", word=spelled, fields="id", per_page="200").data
        assert {record["id"] for record in records} == set(ids)
        assert [
            record["id"] for record in crm.get("Leads/search", criteria=f"(Last_Name:equals:{spelled})").data
        ]


def test_accents_of_letters_that_are_not_latin_count(crm):
    crm.insert("Leads", {"Last_Name": "Чай"})
    assert crm.get("Leads/search", word="Чаи").status == 204
    assert crm.get("Leads/search", word="Чай").status == 200


def test_a_word_stays_found_when_another_field_changes(crm):
    decomposed = unicodedata.normalize("NFD", "Чайка")
    (lead,) = crm.insert("Leads", {"Last_Name": decomposed})
    assert crm.put(f"Leads/{lead}", {"data": [{"City": "Lund"}]}).status == 200
    assert crm.get("Leads/search", word="чайка").data[0]["Last_Name"] == decomposed
