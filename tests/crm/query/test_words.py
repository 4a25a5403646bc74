"""What a word is, and how many a search may have: counted before any store sees the search."""

import pytest

from moorage.crm.faults import Fault
from moorage.crm.query.check import check
from moorage.crm.query.search_criteria import Condition
from moorage.crm.query.tree import AnyOf, Equal, Fragment, Phrase, WordStarts
from moorage.crm.query.view_criteria import view_conditions
from moorage.crm.query.word_search import email_search, word_search
from moorage.crm.query.words import CRITERIA_WORDS, count_words, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Acme-Corp", ["the", "acme", "corp"]),
        ("O'Brien & Søn", ["o", "brien", "søn"]),
        ("Ñandú MU\u0308LLER", ["nandu", "muller"]),
        ("東京 한국 Я", ["東京", "한국", "я"]),
        ("https://www.acme.example/a_b?c=1", ["https", "www", "acme", "example", "a", "b", "c", "1"]),
        (" *%😀- ", []),
        ("", []),
    ],
)
def test_a_word_is_letters_and_digits_without_case_and_accents(text, words):
    assert words_of(text) == words
    assert count_words(text) == len(words)


def test_a_text_without_words_is_compared_by_letters(leads, context):
    company = leads.fields["Company"]
    assert check(Condition("Company", "equals", ("*",)), leads, context) == Equal(company, "*")
    assert check(Condition("Company", "starts_with", ("*",)), leads, context) == Fragment(
        company, "*", "start"
    )


def test_words_are_looked_for_without_those_that_begin_others(leads):
    assert word_search(leads, "Acme & a ac bay.co") == WordStarts(("Acme", "bay.co"))


def test_a_module_without_text_has_no_words(catalog):
    module = next(module for module in catalog.modules.values() if not module.full_text)
    assert word_search(module, "acme") == AnyOf(())


def test_a_part_of_an_address_is_looked_for_in_each_field_of_addresses(leads):
    emails = [Phrase(leads.fields[name], "acme.example") for name in ("Email", "Secondary_Email")]
    assert email_search(leads, " acme.example ") == AnyOf(tuple(emails))


def words(count):
    return " ".join("ab"[n % 2] for n in range(count))


def test_the_words_of_a_part_of_an_address_count_once_for_each_field(leads, fault_of):
    assert fault_of(email_search, leads, words(CRITERIA_WORDS // 2)) is None
    assert_too_many(fault_of(email_search, leads, words(CRITERIA_WORDS // 2 + 1)))


def test_the_words_of_a_name_count_once_for_each_module_that_may_have_it(catalog, context, fault_of):
    tasks = catalog.modules["Tasks"]
    modules = len(catalog.named_by(tasks.fields["What_Id"]))
    assert modules > 1

    def faults(count):
        view = {"comparator": "equal", "field": {"api_name": "What_Id"}, "value": words(count)}
        search = Condition("What_Id", "equals", (words(count),))
        return fault_of(check, search, tasks, context), fault_of(view_conditions, view, tasks, context)

    assert faults(CRITERIA_WORDS // modules) == (None, None)
    for fault in faults(CRITERIA_WORDS // modules + 1):
        assert_too_many(fault)


def test_the_name_of_a_user_costs_no_words(leads, context, fault_of):
    assert fault_of(check, Condition("Owner", "equals", (words(CRITERIA_WORDS + 1),)), leads, context) is None


def assert_too_many(fault):
    assert isinstance(fault, Fault)
    assert (fault.code, fault.details["limit"]) == ("INVALID_QUERY", CRITERIA_WORDS)
