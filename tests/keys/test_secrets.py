import re
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.keys.model import checksum, may_be_secret, new_secret, public_part

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
modes = st.sampled_from(["live", "test"])


@pytest.mark.parametrize("mode", ["live", "test"])
def test_a_new_key_is_unlike_the_one_before_says_its_mode_and_passes_its_own_check(mode):
    first, second = new_secret(mode), new_secret(mode)
    assert first != second and may_be_secret(first) and first.startswith(f"mk_{mode}_")


def test_a_key_holds_more_than_160_bits_beside_what_is_public():
    secret = new_secret("live")
    hidden = secret.removeprefix(public_part(secret))[:-6]
    assert 62 ** len(hidden) > 2**160
    assert len({new_secret("live")[-38:-6] for _ in range(100)}) == 100


@given(st.data(), modes)
def test_one_wrong_character_is_noticed_without_asking_anybody(data, mode):
    secret = new_secret(mode)
    place = data.draw(st.integers(8, len(secret) - 1))
    wrong = data.draw(st.sampled_from(CHARACTERS.replace(secret[place], "")))
    assert not may_be_secret(secret[:place] + wrong + secret[place + 1 :])


@given(st.data(), modes)
def test_two_characters_in_the_wrong_order_are_noticed_too(data, mode):
    secret = new_secret(mode)
    place = data.draw(st.integers(8, len(secret) - 2).filter(lambda at: secret[at] != secret[at + 1]))
    assert not may_be_secret(secret[:place] + secret[place + 1] + secret[place] + secret[place + 2 :])


def test_a_key_of_one_mode_is_not_a_key_of_the_other():
    assert not may_be_secret(new_secret("live").replace("live", "test"))


def test_the_checksum_is_the_crc_32_of_what_stands_between_in_base_62():
    secret = new_secret("live")
    number = 0
    for character in secret[-6:]:
        number = number * 62 + CHARACTERS.index(character)
    assert number == zlib.crc32(secret[3:-6].encode())
    assert checksum("") == "000000"


@given(st.text(max_size=15))
def test_what_is_short_is_no_key(text):
    assert not may_be_secret(text)


def test_a_key_that_an_operator_chose_may_have_any_form():
    for chosen in ("a key of sixteen", "mk_live_of_our_own_making", "mk_" + "x" * 49, "x" * 512):
        assert may_be_secret(chosen) and public_part(chosen) is None


@given(modes)
def test_the_published_pattern_finds_a_key_in_a_text_and_nothing_else(mode):
    [pattern] = re.findall(r"^    (\\b.*)$", PAGE, re.MULTILINE)
    secret = new_secret(mode)
    assert re.findall(pattern, f"key={secret}\n'{secret}' mk_{mode}_ {secret}x mk_live_{'x' * 47}") == [
        secret,
        secret,
    ]
