"""PostgreSQL finds records by exactly the words that they have, however long their text is."""

import contextlib
import random
from dataclasses import dataclass, field
from types import SimpleNamespace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.crm.metadata.fixed_ids import FIRST_RECORD
from moorage.crm.query.words import has_words, words_of
from moorage.crm.storage.postgresql import fulltext
from moorage.crm.storage.postgresql.fulltext import SHORTEST_SPAN, TextTables
from moorage.crm.storage.postgresql.lexemes import phrase_query, word_starts_query
from tests.postgresql import databases

FIELDS = [SimpleNamespace(column=f"c{number}") for number in (1, 37, 2613)]
FIRST, SECOND, THIRD = FIELDS
MODULE = SimpleNamespace(text_table="t9", full_text=FIELDS)
ID = 1_234_567 * 10**12 + FIRST_RECORD


@dataclass
class Texts:
    """The full text of a module in a schema."""

    cursor: psycopg.Cursor
    schema: str = "org_1234567"
    tables: TextTables = field(default_factory=TextTables)

    def make(self):
        self.cursor.execute(f"CREATE SCHEMA {self.schema}")
        self.cursor.execute(
            f"CREATE TABLE {self.schema}.counters (name text PRIMARY KEY, value bigint NOT NULL)"
        )
        for statement in fulltext.creation(self.schema, MODULE):
            self.cursor.execute(statement)

    def index(self, *rows):
        self.tables = fulltext.index(self.cursor, self.schema, MODULE, self.tables, rows, new=False)

    def remove(self, *records):
        fulltext.remove(self.cursor, self.schema, MODULE, self.tables, records)

    def clear(self):
        for name in fulltext.names(MODULE, self.tables):
            self.cursor.execute(f"TRUNCATE {self.schema}.{name}")

    def matching(self, query):
        sql, params = fulltext.matching_ids(self.schema, MODULE, self.tables, query)
        return sorted(record for (record,) in self.cursor.execute(sql, params))

    def with_phrase(self, text_field, text, *, start=False):
        return self.matching(phrase_query(text_field, text, start=start))

    def counters(self):
        return self.cursor.execute(
            fulltext.READ_COUNTERS.format(schema=self.schema).replace("%%", "%")
        ).fetchall()


@pytest.fixture(scope="module")
def connection(postgresql, postgresql_owner):
    with (
        databases(postgresql, postgresql_owner) as make,
        contextlib.closing(psycopg.connect(make())) as connection,
    ):
        yield connection


@pytest.fixture
def texts(connection):
    texts = Texts(connection.cursor())
    texts.make()
    yield texts
    connection.rollback()


WORDS = st.one_of(
    st.sampled_from(
        ["a", "b", "la", "cruz", "É", "o'brien", "x\\y", "a:1", "'b'", "a&b", "!a", "Ñandú", "и\u0306"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
)
TEXTS = st.lists(WORDS, max_size=6).map(" ".join)


def has_phrase(words, phrase, *, start):
    if start:
        return _begins(words, phrase, 0)
    return any(words[at : at + len(phrase)] == phrase for at in range(len(words)))


def _begins(words, phrase, at):
    """Whether a phrase is there, the last word of which may be the beginning of a longer one."""
    part = words[at : at + len(phrase)]
    return len(part) == len(phrase) and part[:-1] == phrase[:-1] and part[-1].startswith(phrase[-1])


def has_beginning(row, phrase):
    words = [words_of(row[text_field.column]) for text_field in FIELDS]
    return any(_begins(own, phrase, at) for own in words for at in range(len(own)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=4),
    other=TEXTS,
    phrases=st.lists(TEXTS.filter(has_words), min_size=1, max_size=3),
)
def test_any_text_is_found_by_the_words_it_has(texts, records, other, phrases):
    texts.clear()
    columns = [text_field.column for text_field in FIELDS]
    rows = [{"id": ID + n} | dict(zip(columns, values, strict=True)) for n, values in enumerate(records)]
    texts.index(*rows)
    for text in filter(has_words, (other, records[0][0], records[0][1][:4], *phrases)):
        for text_field in FIELDS:
            for start in (False, True):
                expected = [
                    row["id"]
                    for row in rows
                    if has_phrase(words_of(row[text_field.column]), words_of(text), start=start)
                ]
                assert texts.with_phrase(text_field, text, start=start) == expected
    expected = [row["id"] for row in rows if all(has_beginning(row, words_of(phrase)) for phrase in phrases)]
    assert texts.matching(word_starts_query(phrases)) == expected


LONG = {
    "words that repeat": "the end " * 4_000,
    "one word": "w" * 50_000,
    "the shortest words": "a " * 16_000,
    "very many words": " ".join(f"é{number}" * 3 for number in range(70_000)),
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_text_is_found_by_all_its_words_and_phrases(texts, text):
    texts.index({"id": ID, "c1": "start here", "c37": text, "c2613": "finish line"})
    words, chance = words_of(text), random.Random(3)
    for length in (1, 2, 29, 30, 31, 32, 62, 100, 200) * 3:
        begin = chance.randrange(max(1, len(words) - length))
        phrase = " ".join(words[begin : begin + length])
        assert texts.with_phrase(SECOND, phrase) == [ID]
        assert texts.with_phrase(SECOND, " ".join(words[:length]), start=True) == [ID]
        assert texts.matching(word_starts_query([phrase, "finish l", "star"])) == [ID]
        assert texts.with_phrase(FIRST, phrase) == []
        assert texts.matching(word_starts_query([phrase, "finished"])) == []
    assert texts.with_phrase(SECOND, f"{words[-1]} finish") == []


def test_each_phrase_of_a_long_text_is_whole_in_some_part(texts):
    words = [word for number in range(1_000) for word in ("the", f"w{number}")]
    texts.index({"id": ID, "c1": " ".join(words)})
    for begin in range(0, len(words) - 31, 6):
        assert texts.with_phrase(FIRST, " ".join(words[begin : begin + 31])) == [ID]


def test_a_text_may_become_long_and_short_again(texts):
    short = {"id": ID, "c1": "short and sound"}
    long = {"id": ID, "c1": "a " * 16_000}
    for row, phrase in ((short, "short"), (long, "a a a"), (short, "short"), (long, "a a a")):
        texts.index(row)
        assert [texts.with_phrase(FIRST, word) for word in ("short", "a a a")] == [
            [ID] if word == phrase else [] for word in ("short", "a a a")
        ]
    texts.remove(ID)
    assert texts.with_phrase(FIRST, "a") == []
    assert texts.tables.has_long


def test_a_changed_text_replaces_the_old_one(texts):
    texts.index({"id": ID, "c1": "old"}, {"id": ID + 1, "c1": "old"})
    texts.index({"id": ID, "c1": "new"})
    assert texts.with_phrase(FIRST, "old") == [ID + 1]
    assert texts.with_phrase(FIRST, "new") == [ID]
    texts.index({"id": ID + 1, "c1": None})
    assert texts.with_phrase(FIRST, "old") == []


def test_new_records_get_a_new_table_when_the_last_one_has_its_share(texts):
    texts.index({"id": ID, "c1": "one"}, {"id": ID + SHORTEST_SPAN - 1, "c1": "two"})
    assert texts.tables.firsts == (0,)
    first = ID + SHORTEST_SPAN + 7
    texts.index({"id": ID, "c1": "one again"}, {"id": first, "c1": "three"}, {"id": first + 1, "c1": "four"})
    assert texts.tables.firsts == (0, first)
    texts.index({"id": ID + SHORTEST_SPAN + 6, "c1": "late"})  # Its id was given to a job that waited.
    assert texts.tables.firsts == (0, first)
    for word, record in (
        ("again", ID),
        ("two", ID + SHORTEST_SPAN - 1),
        ("late", first - 1),
        ("four", first + 1),
    ):
        assert texts.with_phrase(FIRST, word) == [record]
    assert fulltext.read_text_tables(texts.counters()) == {"t9": texts.tables}
    texts.remove(ID, first)
    assert texts.matching(word_starts_query(["o"])) == []
    assert texts.with_phrase(FIRST, "three") == []


@pytest.mark.parametrize(
    ("start", "descending", "firsts"),
    [
        (None, True, [20, 10, 0]),
        (None, False, [0, 10, 20]),
        (21, True, [20, 10, 0]),
        (20, True, [10, 0]),
        (10, True, [0]),
        (8, False, [0, 10, 20]),
        (9, False, [10, 20]),
        (19, False, [20]),
        (50, False, [20]),
    ],
)
def test_only_ranges_beyond_the_start_are_read_in_the_order_of_the_page(start, descending, firsts):
    assert fulltext.beyond(TextTables((0, 10, 20)), start, descending=descending) == firsts
