"""A memory that has an end."""

from hypothesis import given
from hypothesis import strategies as st

from moorage.bounded import Bounded


@given(st.integers(1, 5), st.lists(st.integers(0, 9)))
def test_it_holds_the_last_that_were_put_in_first(size, keys):
    memory, expected = Bounded[int, int](size), []
    for turn, key in enumerate(keys):
        memory[key] = turn
        assert memory[key] == turn
        if key not in expected:
            expected = [*expected, key][-size:]
        assert list(memory) == expected
