"""Searches for text compared with a model in Python: words, signs, other scripts, accents, and what has no words."""

import json
import re
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.crm.query.search_criteria import Condition
from moorage.crm.query.word_search import word_search

WORDS = st.sampled_from(["a", "A", "á", "ab", "B", "ß", "1", "٣", "東", "東京", "Я", "я"])
SIGNS_BETWEEN = st.sampled_from([" ", "-", "'", "%", "_", '"', "*", "😀", ""])
TEXTS = (
    st.lists(WORDS | SIGNS_BETWEEN, min_size=1, max_size=5)
    .map("".join)
    .map(str.strip)
    .filter(lambda text: text not in {"", "-None-"})
)
SIGNS_ALONE = st.sampled_from(["*", "**", "%", "😀", "-", "_"])
MANY_LETTERS = st.sampled_from(["x" * 200, "x" * 199, "X" * 198 + " y"])
TAGS = st.sampled_from(["a", "A", "A b", "b", "á", "Á", "%", "*"])
TEXT_FIELDS = {
    "Company": TEXTS | SIGNS_ALONE | MANY_LETTERS,
    "Description": TEXTS | SIGNS_ALONE,
    "Website": TEXTS,
    "Email": st.sampled_from(["a@b.co", "A@B.co", "á@b.co", "a.b@c.co", "b@a.b.co"]),
    "Phone": st.sampled_from(["1", "+1 1", "(1) 1-1", "11.1", "12"]),
    "Lead_Source": st.sampled_from(["Chat", "chat", "Web Chat", "*", "東"]),
    "Tag": st.lists(TAGS, min_size=1, max_size=2, unique=True),
    "Owner": st.sampled_from(["Ana Moreira", "Priya Raman"]),
}
OPERATORS_OF_TEXT = {
    "Description": ["equals", "not_equal", "starts_with"],
    "Owner": ["equals", "not_equal", "in"],
    "Lead_Source": ["equals", "not_equal", "in"],
}


def words(text):
    """The words of a text: runs of letters and digits, without case and accents."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    return re.findall(r"[^\W_]+", plain.lower())


def has_phrase(text, sought, *, start=False):
    """Whether the words sought follow each other in the text; `start`: from its first, the last one begun."""
    inside, wanted = words(text), words(sought)
    if start:
        *whole, begun = wanted
        head = inside[: len(wanted)]
        return len(head) == len(wanted) and head[:-1] == whole and head[-1].startswith(begun)
    return any(inside[n : n + len(wanted)] == wanted for n in range(len(inside)))


def same(text, sought):
    """Equal as a database compares: regardless of case, of ASCII letters only."""
    return ascii_lower(text) == ascii_lower(sought)


def ascii_lower(text):
    return "".join(c.lower() if c.isascii() else c for c in text)


def digits(number):
    return re.sub(r"[ \-().+]", "", number)


def text_equals(field, value, sought):
    match field:
        case "Phone":
            return digits(value) == digits(sought)
        case "Tag":
            return any(same(text, sought) for text in value)
        case "Lead_Source" | "Owner":
            return same(value, sought)
        case "Email" if re.fullmatch(r"[^@ ]+@[^@ ]*[^.@ ]\.[^.@ ]+", sought):
            return same(value, sought)
    return has_phrase(value, sought) if words(sought) else same(value, sought)


def text_starts(field, value, sought):
    match field:
        case "Phone":
            return digits(value).startswith(digits(sought))
        case "Tag":
            return any(ascii_lower(text).startswith(ascii_lower(sought)) for text in value)
    if words(sought):
        return has_phrase(value, sought, start=True)
    return ascii_lower(value).startswith(ascii_lower(sought))


@st.composite
def text_conditions(draw, field):
    operator = draw(
        st.sampled_from(OPERATORS_OF_TEXT.get(field, ["equals", "not_equal", "starts_with", "in"]))
    )
    values = TAGS if field == "Tag" else TEXT_FIELDS[field]
    return Condition(field, operator, tuple(draw(values) for _ in range(3 if operator == "in" else 1)))


def text_meets(value, condition):
    field, sought = condition.field, condition.values
    match condition.operator:
        case "not_equal":
            return value is None or not text_equals(field, value, sought[0])
        case "starts_with":
            return value is not None and text_starts(field, value, sought[0])
    return value is not None and any(text_equals(field, value, text) for text in sought)


def stored_text(database, field, value):
    if value is not None and field == "Owner":
        return next(user.id for user in database.users if user.body["full_name"] == value)
    if value is not None and field == "Tag":
        return json.dumps([{"name": name, "id": "1"} for name in value])
    return value


@pytest.mark.parametrize("field", TEXT_FIELDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_sql_and_python_agree_on_text(shared, field, data):
    values = data.draw(st.lists(st.none() | TEXT_FIELDS[field], max_size=6))
    condition = data.draw(text_conditions(field))
    with shared.connection:
        shared.clear("Leads")
        ids = shared.insert("Leads", *({field: stored_text(shared, field, value)} for value in values))
        expected = [
            record_id for record_id, value in zip(ids, values, strict=True) if text_meets(value, condition)
        ]
        assert shared.search("Leads", condition) == expected


@settings(max_examples=300, deadline=None)
@given(
    records=st.lists(
        st.fixed_dictionaries({"Company": st.none() | TEXTS, "City": st.none() | TEXTS}), max_size=5
    ),
    sought=st.lists(TEXTS, min_size=1, max_size=2).map(" ".join),
)
def test_sql_and_python_agree_on_word(shared, records, sought):
    parts = [part for part in sought.split() if words(part)]
    if sum(len(word) for part in parts for word in words(part)) < 2:
        return

    def has(record, part):
        return any(value is not None and begins_anywhere(value, part) for value in record.values())

    with shared.connection:
        shared.clear("Leads")
        ids = shared.insert("Leads", *records)
        expected = [
            record_id
            for record_id, record in zip(ids, records, strict=True)
            if all(has(record, p) for p in parts)
        ]
        assert (
            shared.select("Leads", shared.compiled("Leads", word_search(shared.module("Leads"), sought)))
            == expected
        )


def begins_anywhere(text, part):
    inside = words(text)
    return any(has_phrase(" ".join(inside[n:]), part, start=True) for n in range(len(inside)))
