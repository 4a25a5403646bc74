import time

import pytest

from moorage.near import COMPARED_CHARACTERS, did_you_mean, nearest

APPS = ["zoho-crm", "zoho-mail", "zoho-books", "stripe", "google-mail"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("zohocrm", "zoho-crm"),
        ("ZOHO_CRM", "zoho-crm"),
        ("zoho-crn", "zoho-crm"),
        ("strip", "stripe"),
        ("", None),
        ("salesforce", None),
    ],
)
def test_the_nearest_is_found_whatever_its_case_and_dashes(word, expected):
    assert nearest(word, APPS) == expected


def test_the_question_stands_behind_a_sentence_or_not_at_all():
    assert did_you_mean("zohocrm", APPS) == " Did you mean zoho-crm?"
    assert did_you_mean("salesforce", APPS) == did_you_mean("stripe", APPS) == ""


def test_a_long_word_takes_no_longer_than_a_short_one():
    nearest("warm", APPS)
    began = time.thread_time()
    nearest("zoho-crm" * 100_000, APPS)
    assert time.thread_time() - began < 0.05 and COMPARED_CHARACTERS < 100
