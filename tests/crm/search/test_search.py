"""GET {module}/search and actions/count through the CRM's door."""

import pytest

FAMILIES = ["criteria", "email", "phone", "word"]
ANYTHING = "(Created_Time:greater_than:2000-01-01)"


@pytest.fixture
def leads(crm):
    """The ids of three leads by last name."""
    records = [
        {
            "Last_Name": "apple",
            "Email": "apple@mail.example",
            "Phone": "+1 (555) 010-99.88",
            "Company": "Zeta",
        },
        {"Last_Name": "Banana", "Secondary_Email": "banana@else.example", "Mobile": "15550109988"},
        {"Last_Name": "cherry", "City": "Apple Valley", "Annual_Revenue": 10.5},
    ]
    return dict(zip(["apple", "Banana", "cherry"], crm.insert("Leads", *records), strict=True))


@pytest.fixture
def found_names(crm, leads):
    """Search the leads; gives their last names in the order they come."""

    def found_names(**params):
        answer = crm.get("Leads/search", **{"fields": "Last_Name", **params})
        assert answer.status in {200, 204}, answer.body
        return [record["Last_Name"] for record in answer.data] if answer.status == 200 else []

    return found_names


@pytest.fixture
def refused(kept_crm):
    """The fault of a call that has to be a 400."""

    def refused(path="Leads/search", **params):
        answer = kept_crm.get(path, **params)
        assert answer.status == 400, answer.body
        fault = answer.json
        assert list(fault) == ["code", "details", "message", "status"] and fault["status"] == "error"
        return fault["code"], fault["details"], fault["message"]

    return refused


def test_the_answer_looks_like_a_list_without_tokens(crm, leads):
    answer = crm.get("Leads/search", criteria="(Last_Name:equals:apple)", fields="Last_Name,Email")
    assert answer.json == {
        "data": [{"id": leads["apple"], "Last_Name": "apple", "Email": "apple@mail.example"}],
        "info": {
            "per_page": 200, "count": 1, "sort_by": "id", "page": 1, "sort_order": "desc", "more_records": False,
        },
    }  # fmt: skip


@pytest.mark.parametrize("params", [{}, {"fields": ""}, {"fields": " , "}])
def test_without_fields_the_records_are_whole(crm, leads, params):
    (record,) = crm.get("Leads/search", word="cherry", **params).data
    assert {"Last_Name", "Owner", "Created_Time", "$approval_state"} <= set(record)


def test_nothing_found_is_no_content(crm, leads):
    answer = crm.get("Leads/search", word="durian")
    assert (answer.status, answer.body) == (204, b"")


def test_one_of_four_parameters_is_needed(refused, leads):
    for params in ({}, dict.fromkeys(FAMILIES, ""), {"page": "2"}):
        assert refused(**params) == (
            "EXPECTED_PARAM_MISSING",
            {"param_names": FAMILIES},
            "one of the expected parameter is missing",
        )


def test_of_several_the_first_in_order_counts(found_names):
    every = {
        "criteria": "(Last_Name:equals:apple)",
        "email": "banana@else.example",
        "phone": "999",
        "word": "cherry",
    }
    assert found_names(**every) == ["apple"]
    assert found_names(**every | {"criteria": ""}) == ["Banana"]
    assert found_names(phone="999", word="cherry") == []


def test_what_was_just_written_is_found(crm, found_names, leads):
    crm.put(f"Leads/{leads['apple']}", {"data": [{"Last_Name": "Quince", "Email": "quince@mail.example"}]})
    crm.delete(f"Leads/{leads['cherry']}")
    assert found_names(word="quince") == found_names(email="quince@mail.example") == ["Quince"]
    assert found_names(criteria="(Last_Name:equals:quince)") == ["Quince"]
    assert found_names(word="cherry") == found_names(email="apple@mail.example") == []
    assert (
        found_names(criteria="(Last_Name:equals:cherry)")
        == found_names(criteria="(Last_Name:equals:apple)")
        == []
    )


@pytest.mark.parametrize(
    ("email", "names"),
    [
        ("apple@mail.example", ["apple"]),
        ("APPLE@Mail.Example", ["apple"]),
        ("banana@else.example", ["Banana"]),
        ("example", ["Banana", "apple"]),
        ("@mail.example", ["apple"]),
        ("ple@mail.example", []),
        ("%", []),
    ],
)
def test_addresses_are_found_whole_or_by_their_words(found_names, email, names):
    assert found_names(email=email) == names


@pytest.mark.parametrize("phone", ["+1 (555) 010-99.88", "15550109988", "1-555-0109988"])
def test_numbers_are_found_however_they_are_formatted(found_names, phone):
    assert found_names(phone=phone) == ["Banana", "apple"]
    assert found_names(phone=phone[:-1]) == []


def test_words_are_looked_for_in_every_field(found_names):
    assert found_names(word="apple") == ["cherry", "apple"]
    assert found_names(word="app zet") == ["apple"]
    assert found_names(word="BANANA") == ["Banana"]


@pytest.mark.parametrize("word", ["a", "&", " é "])
def test_a_word_has_two_letters(refused, leads, word):
    message = "provide atleast 2 letters for search"
    assert refused(word=word) == ("INVALID_DATA", {"param_name": "word"}, message)


@pytest.mark.parametrize("family", ["email", "phone"])
@pytest.mark.parametrize("path", ["Deals/search", "Deals/actions/count"])
def test_a_module_may_have_no_such_field(refused, family, path):
    message = "this data type is not found in this module"
    assert refused(path, **{family: "1234"}) == ("FIELD_TYPE_UNAVAILABLE", {}, message)


def test_two_thousand_records_can_be_reached(refused, crm, leads):
    assert crm.get("Leads/search", criteria=ANYTHING, page=10, per_page=200).status == 204
    for page, size in ((11, 200), (2001, 1), (10**9, 200)):
        assert refused(criteria=ANYTHING, page=page, per_page=size) == (
            "LIMIT_REACHED",
            {"limit": "2000"},
            "maximum response iteration limit reached",
        )


def test_pages_follow_each_other(crm, leads):
    first = crm.get("Leads/search", criteria=ANYTHING, per_page=2, fields="id").json
    second = crm.get("Leads/search", criteria=ANYTHING, per_page=2, page=2, fields="id").json
    assert [record["id"] for record in first["data"] + second["data"]] == sorted(leads.values(), reverse=True)
    assert (first["info"]["more_records"], second["info"]["more_records"]) == (True, False)


def test_text_is_sorted_regardless_of_case(found_names):
    assert found_names(criteria=ANYTHING, sort_by="Last_Name", sort_order="asc") == [
        "apple",
        "Banana",
        "cherry",
    ]
    assert found_names(criteria=ANYTHING, sort_by="Last_Name") == ["cherry", "Banana", "apple"]


def test_numbers_are_sorted_with_the_empty_ones_at_the_low_end(found_names):
    assert found_names(criteria=ANYTHING, sort_by="Annual_Revenue") == ["cherry", "Banana", "apple"]


@pytest.mark.parametrize("name", ["Nope", "", "Tag", "Description", "id;", "id' --", "r.id", "id DESC, 1"])
def test_what_is_no_sortable_field_is_refused(refused, name):
    assert refused(criteria=ANYTHING, sort_by=name) == (
        "INVALID_DATA",
        {"param_name": "sort_by"},
        "invalid data",
    )


@pytest.mark.parametrize("order", ["up", "", "DESC", "desc; --"])
def test_there_are_two_directions(refused, order):
    code, details, _ = refused(criteria=ANYTHING, sort_order=order)
    assert (code, details) == (
        "INVALID_DATA",
        {"param_name": "sort_order", "supported_values": ["asc", "desc"]},
    )


def test_fifty_fields_can_be_asked_for(refused, found_names):
    assert len(found_names(criteria=ANYTHING, fields=",".join(["Last_Name"] * 50))) == 3
    details = {"limit": 50, "param_name": "fields"}
    assert refused(criteria=ANYTHING, fields=",".join(["id"] * 51)) == (
        "LIMIT_EXCEEDED",
        details,
        "limit exceeded",
    )


def test_every_record_is_approved(found_names, refused):
    assert len(found_names(criteria=ANYTHING, approved="true", approval_state="approved")) == 3
    assert found_names(criteria=ANYTHING, approved="false") == []
    assert found_names(criteria=ANYTHING, approval_state="merge_pending") == []
    code, details, _ = refused(criteria=ANYTHING, approval_state="perhaps")
    assert (code, details["param_name"]) == ("PATTERN_NOT_MATCHED", "approval_state")


def test_no_lead_is_converted_yet(found_names):
    assert len(found_names(criteria=ANYTHING, converted="both")) == 3
    assert found_names(criteria=ANYTHING, converted="true") == []


@pytest.mark.parametrize("module", ["Nope", "leads", "Leads;", "m2175", "sqlite_master", "Leads\0"])
@pytest.mark.parametrize("what", ["search", "actions/count"])
def test_an_unknown_module_is_refused(refused, module, what):
    code, details, _ = refused(f"{module}/{what}", word="ab")
    assert (code, details) == ("INVALID_MODULE", {"resource_path_index": 0})


def test_a_tab_without_records_can_be_neither_searched_nor_counted(refused):
    assert refused("Home/search", word="ab") == (
        "NOT_SUPPORTED",
        {"module": "Home"},
        "module not suppoted for search",
    )
    message = "the given module is not supported for count"
    assert refused("Home/actions/count") == ("NOT_SUPPORTED", {"module": "Home"}, message)


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 3),
        ({"criteria": "(Last_Name:starts_with:a)"}, 1),
        ({"email": "example"}, 2),
        ({"phone": "15550109988"}, 2),
        ({"word": "apple"}, 2),
        ({"word": "durian"}, 0),
        ({"criteria": "(Last_Name:equals:cherry)", "word": "apple"}, 1),
        ({"converted": "true"}, 0),
        ({"approval_state": "webform_invalid"}, 0),
    ],
)
def test_records_are_counted_by_each_family(crm, leads, params, count):
    assert crm.get("Leads/actions/count", **params).json == {"count": count}
    assert crm.post("Leads/actions/count", None, **params).json == {"count": count}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_view_and_a_search_can_not_be_counted_together(refused, family):
    assert refused("Leads/actions/count", cvid="1", **{family: ANYTHING}) == (
        "AMBIGUITY_DURING_PROCESSING",
        {"ambiguity_due_to": [{"param_name": "cvid"}, {"param_name": family}]},
        "Please use either Cvid or Search Params. Combination of both the params is not allowed",
    )


INJECTIONS = [
    "x' OR '1'='1",
    'x" OR "1"="1',
    "x); DROP TABLE m2175; --",
    "1 OR 1=1",
    "x\0' --",
    "' UNION SELECT 1 --",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_what_a_caller_sends_never_becomes_sql(crm, leads, text):
    escaped = text.replace("(", r"\(").replace(")", r"\)")
    for params in (
        {"criteria": f"({escaped}:equals:x)"},
        {"criteria": f"(Last_Name:{escaped}:x)"},
        {"criteria": f"(Last_Name:equals:{escaped})"},
        {"criteria": f"(Last_Name:starts_with:{escaped})"},
        {"criteria": f"(Last_Name:in:{escaped},x)"},
        {"criteria": f"(Annual_Revenue:between:{escaped},1)"},
        {"criteria": f"(Owner:equals:{escaped})"},
        {"criteria": f"(Tag:equals:{escaped})"},
        *({family: text} for family in ("email", "phone", "word")),
        *(
            {"word": "zzz", name: text}
            for name in ("fields", "sort_by", "sort_order", "cvid", "converted", "page")
        ),
    ):
        answer = crm.get("Leads/search", **params)
        assert answer.status in {204, 400}, (params, answer.body)
    assert crm.get("Leads/actions/count").json == {"count": 3}


LETTERS = "abcdefghijklmnopqrstuvwxyz"
TOO_MANY_WORDS = {
    "twenty-one letters": " ".join(LETTERS[:21]),
    "twenty-one words": " ".join(f"{letter}x" for letter in LETTERS[:21]),
    "one word that is a phrase of many": ".".join(LETTERS[:21]),
    "seven phrases of three": " ".join(f"{letter}.b.c" for letter in LETTERS[:7]),
    "750 letters of many alphabets": " ".join(map(chr, range(0x4E00, 0x4E00 + 750))),
}


def too_many(answer, limit):
    reason = f"a search can have at most {limit} different words"
    return (answer.status, answer.json["code"], answer.json["message"], answer.json["details"]) == (
        400, "INVALID_QUERY", "Invalid query formed", {"reason": reason, "limit": limit},
    )  # fmt: skip


@pytest.mark.parametrize("name", TOO_MANY_WORDS)
def test_what_costs_more_than_twenty_words_is_refused_however_short_they_are(kept_crm, name):
    assert too_many(kept_crm.get("Leads/search", word=TOO_MANY_WORDS[name]), 20)
    assert too_many(kept_crm.get("Leads/actions/count", word=TOO_MANY_WORDS[name]), 20)


def test_words_given_again_or_implied_by_others_cost_nothing(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Anchorage", "Company": "Bay & Co"})
    answer = crm.get("Leads/search", word="a A an anchor b bay " * 70, fields="id")
    assert [record["id"] for record in answer.data] == [lead]
    assert crm.get("Leads/search", word="anchor anchorman").status == 204
    assert crm.get("Leads/search", word=" ".join(LETTERS[:20])).status == 204


def test_a_word_that_only_folds_to_the_beginning_of_another_is_not_implied_by_it(crm):
    crm.insert("Leads", {"Last_Name": "Straße"})
    assert crm.get("Leads/search", word="straße", fields="id").status == 200
    assert crm.get("Leads/search", word="strass straße", fields="id").status == 204


@pytest.mark.parametrize(
    "criteria",
    [
        f"(Company:equals:{' '.join('ab' * 251)})",
        "or".join(["(Company:in:" + ",".join(f"a b{n}" for n in range(90)) + ")"] * 3),
        f"(Company:starts_with:{'.'.join('ab' * 251)})",
        "and".join(f"(Last_Name:equals:{' '.join('ab' * 20)})" for _ in range(13)),
    ],
)
def test_the_words_of_all_conditions_are_counted_together(kept_crm, criteria):
    assert too_many(kept_crm.get("Leads/search", criteria=criteria), 500)


def test_a_hundred_values_of_some_words_are_not_too_many(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "x", "Company": "New York 42"})
    values = ",".join(f"New York {n}" for n in range(100))
    assert [record["id"] for record in crm.get("Leads/search", criteria=f"(Company:in:{values})").data] == [
        lead
    ]
    again = ",".join(["New York 42 is a long name"] * 100)
    assert crm.get("Leads/search", criteria=f"(Company:in:{again})").status == 204
