"""Numbers and ids in the query: what they may be, and that nothing breaks on what they may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.crm.faults import Fault
from moorage.crm.wire.parameters import MAX_PAGE, id_list, one_of, page_and_size

NOT_NUMBERS = ["", " ", "x", "1.0", "-1", "0", "+1", "1e3", "٣", "²", "1,2", "0x10", "9" * 5000, "\0", "1_0"]


def test_both_have_defaults():
    assert page_and_size({}) == (1, 200)
    assert page_and_size({}, maximum=50) == (1, 50)


def test_both_are_read():
    assert page_and_size({"page": "3", "per_page": "20"}) == (3, 20)


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_no_number_is_refused(name, text):
    with pytest.raises(Fault) as refusal:
        page_and_size({name: text})
    assert refusal.value.status == 400
    assert refusal.value.details["param_name"] == name


@pytest.mark.parametrize(("name", "most"), [("page", MAX_PAGE), ("per_page", 200)])
def test_the_largest_is_taken_and_the_next_refused(name, most):
    assert most in page_and_size({name: str(most)})
    with pytest.raises(Fault) as refusal:
        page_and_size({name: str(most + 1)})
    assert refusal.value.details["range"] == {"from": 1, "to": most}


@given(st.dictionaries(st.sampled_from(["page", "per_page"]), st.text(max_size=30)))
def test_any_text_gives_numbers_in_range_or_a_fault(params):
    if (read := pages_or_none(params)) is not None:
        page, size = read
        assert 1 <= page <= MAX_PAGE
        assert 1 <= size <= 200


def pages_or_none(params: dict[str, str]) -> tuple[int, int] | None:
    try:
        return page_and_size(params)
    except Fault:
        return None


def test_ids_keep_their_order_and_lose_their_doubles():
    assert id_list({"ids": "3, 1,3,,2,"}, "ids") == [3, 1, 2]


@pytest.mark.parametrize("params", [{}, {"ids": ""}, {"ids": " , "}])
def test_no_ids_are_missing(params):
    with pytest.raises(Fault) as refusal:
        id_list(params, "ids")
    assert (refusal.value.code, refusal.value.details) == ("REQUIRED_PARAM_MISSING", {"param_name": "ids"})


@pytest.mark.parametrize("text", ["abc", "1,b", "-1", "0", "9223372036854775808", "9" * 5000, "1.0", "٣"])
def test_what_is_no_id_is_refused(text):
    with pytest.raises(Fault) as refusal:
        id_list({"ids": text}, "ids")
    assert refusal.value.code == "INVALID_DATA"
    assert refusal.value.details["param_name"] == "ids"


def test_the_largest_id_is_one():
    assert id_list({"ids": "9223372036854775807"}, "ids") == [2**63 - 1]


def test_the_limit_is_the_callers():
    assert len(id_list({"ids": "1,2"}, "ids", maximum=2)) == 2
    with pytest.raises(Fault) as refusal:
        id_list({"ids": "1,2,3"}, "ids", maximum=2)
    assert refusal.value.details == {"limit": 2, "param_name": "ids"}


def test_one_of_a_few_words():
    assert one_of({"type": "b"}, "type", ("a", "b"), "a") == "b"
    assert one_of({}, "type", ("a", "b"), "a") == "a"
    with pytest.raises(Fault) as refusal:
        one_of({"type": "c"}, "type", ("a", "b"), "a")
    assert refusal.value.details == {"param_name": "type", "supported_values": ["a", "b"]}
