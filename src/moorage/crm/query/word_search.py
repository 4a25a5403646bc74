"""Searches in all fields of a kind: for words, for an e-mail address, for a phone number [Z search-records]."""

from collections.abc import Sequence

from moorage.crm.faults import Fault, param_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.query.search_criteria import LENGTH_LIMIT, storable
from moorage.crm.query.texts import email_is, phone_is
from moorage.crm.query.tree import AnyOf, Checked, Phrase, WordStarts
from moorage.crm.query.words import (
    CRITERIA_WORDS,
    WORD_SEARCH_WORDS,
    count_words,
    distinct,
    has_words,
    is_word_character,
    require_few,
)


def word_search(module: Module, text: str) -> Checked:
    """Records with words that begin with the words of `text`. Raises a Fault that names `word` or the limit."""
    if len(text) > LENGTH_LIMIT or not storable(text):
        raise param_invalid("word")
    if sum(map(is_word_character, text)) < 2:
        raise Fault(400, "INVALID_DATA", "provide atleast 2 letters for search", {"param_name": "word"})
    if not module.full_text:
        return AnyOf(())
    phrases = distinct(word for word in text.split() if has_words(word))
    require_few(sum(map(count_words, phrases)), WORD_SEARCH_WORDS)
    return WordStarts(tuple(phrases))


def email_search(module: Module, text: str) -> Checked:
    """Records with this address, or with a part of it, in any e-mail field. Raises Fault."""
    fields, value = module.of_type("email"), _param("email", text)
    parts = [email_is(field, value) for field in fields]
    phrases = sum(isinstance(part, Phrase) for part in parts)
    if phrases:  # A whole address is no phrase. To count its words would take longer than to find it.
        require_few(count_words(value) * phrases, CRITERIA_WORDS)
    return _any_field(parts)


def phone_search(module: Module, text: str) -> Checked:
    """Records with this number in any phone field, however it is formatted. Raises Fault."""
    fields, value = module.of_type("phone"), _param("phone", text)
    parts = [phone_is(field, value) for field in fields]
    if None in parts:
        raise param_invalid("phone")
    return _any_field([part for part in parts if part is not None])


def _param(name: str, text: str) -> str:
    value = text.strip()
    if not value or len(value) > LENGTH_LIMIT or not storable(value):
        raise param_invalid(name)
    return value


def _any_field(parts: Sequence[Checked]) -> Checked:
    if not parts:
        raise Fault(400, "FIELD_TYPE_UNAVAILABLE", "this data type is not found in this module")
    return AnyOf(tuple(parts))
