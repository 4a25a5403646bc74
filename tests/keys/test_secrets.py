from hypothesis import given
from hypothesis import strategies as st

from moorage.keys.model import may_be_secret, new_secret

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_new_key_is_unlike_the_one_before_and_passes_its_own_check():
    first, second = new_secret(), new_secret()
    assert first != second and may_be_secret(first) and first.startswith("mk_")


@given(st.data())
def test_one_wrong_character_is_noticed_without_asking_anybody(data):
    secret = new_secret()
    place = data.draw(st.integers(3, len(secret) - 1))
    wrong = data.draw(st.sampled_from(CHARACTERS.replace(secret[place], "")))
    assert not may_be_secret(secret[:place] + wrong + secret[place + 1 :])


@given(st.text(max_size=15))
def test_what_is_short_is_no_key(text):
    assert not may_be_secret(text)
