import pytest

from tests.control_database import on_both as database_settings  # noqa: F401


def ids(answer):
    assert answer.status == 200
    return [connection["connection_id"] for connection in answer.json["connections"]]


@pytest.fixture
def three(control, owner):
    """Three connections: the first and the last are PENDING, the middle one is ACTIVE."""
    control.organisation("acme")
    connections = []
    for organisation in (None, "acme", None):
        connections.append(owner.connect(organisation)["connection_id"])
        control.clock.advance(1)
    return connections


def test_the_oldest_comes_first(owner, three):
    assert ids(owner.get("/connections")) == three


def test_those_of_the_same_second_come_in_the_order_they_were_made(owner):
    connection_ids = [owner.connect()["connection_id"] for _ in range(5)]
    assert ids(owner.get("/connections")) == connection_ids


def test_a_filter_leaves_the_others_out(owner, three):
    assert ids(owner.get("/connections?app=zoho-crm")) == three
    assert ids(owner.get("/connections?status=ACTIVE")) == three[1:2]
    assert ids(owner.get("/connections?status=PENDING")) == [three[0], three[2]]
    assert ids(owner.get("/connections?status=FAILED")) == []
    assert ids(owner.get("/connections?method=OAUTH2")) == three
    assert ids(owner.get("/connections?method=API_KEY")) == []
    assert ids(owner.get("/connections?app=zoho-crm&status=PENDING&limit=1")) == three[:1]


def test_an_empty_filter_is_ignored(owner, three):
    assert ids(owner.get("/connections?app=&status=&method=&limit=")) == three


def test_the_limit_counts_from_the_oldest_and_0_means_all(owner, three):
    assert ids(owner.get("/connections?limit=2")) == three[:2]
    assert ids(owner.get("/connections?limit=0")) == three
    assert ids(owner.get("/connections?limit=999999999")) == three


@pytest.mark.parametrize("filters", ["", "&environment=embedded"])
def test_a_list_that_is_cut_goes_on_behind_its_cursor(control, owner, filters):
    control.organisation("acme")
    names = {"app": "zoho-crm", "organisation": "acme"}  # All at once: the ids decide, too.
    made = {owner.call("POST", "/connections", names).json["connection"]["id"] for _ in range(5)}
    first = owner.get(f"/connections?limit=2{filters}")
    owner.call("DELETE", f"/connections/{ids(first)[-1]}")  # What the cursor names may be gone.
    pages = [first]
    while cursor := pages[-1].json.get("next_cursor"):
        pages.append(owner.get(f"/connections?limit=2{filters}&cursor={cursor}"))
    assert [len(ids(page)) for page in pages] == [2, 2, 1]
    assert {id_ for page in pages for id_ in ids(page)} == made
    assert ids(owner.get(f"/connections?{filters}")) == [id_ for page in pages for id_ in ids(page)][:1] + [
        id_ for page in pages[1:] for id_ in ids(page)
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("cursor=1", "parameter_invalid"),
        ("cursor=1.x", "parameter_invalid"),
        (f"cursor={'9' * 19}.a", "parameter_invalid"),
        ("app=zoho", "app_unsupported"),
        ("app=Zoho-CRM", "app_unsupported"),
        ("app=%00", "app_unsupported"),
        ("app=" + "x" * 5000, "app_unsupported"),
        ("status=active", "status_unknown"),
        ("status=DELETED", "status_unknown"),
        ("status=%F0%9F%92%A5", "status_unknown"),
        ("method=oauth2", "parameter_invalid"),
        ("limit=-1", "parameter_invalid"),
        ("limit=1.5", "parameter_invalid"),
        ("limit=ten", "parameter_invalid"),
        ("limit=%D9%A3", "parameter_invalid"),
        ("limit=1e3", "parameter_invalid"),
        ("limit=10000000000", "parameter_invalid"),
        ("limit=1%0A", "parameter_invalid"),
    ],
)
def test_a_filter_that_can_not_be_is_refused_and_told_what_can(owner, query, code):
    answer = owner.get(f"/connections?{query}")
    assert (answer.status, answer.code) == (400, code)
    assert answer.json["detail"] != answer.json["message"]
    assert len(answer.body) < 1000


@pytest.mark.parametrize(("query", "meant"), [("apps=zoho-crm", "app"), ("stat=ACTIVE", None), ("q=1", None)])
def test_a_parameter_that_nobody_knows_is_named_with_the_one_that_was_meant(owner, three, query, meant):
    answer = owner.get(f"/connections?{query}")
    assert (answer.status, answer.code) == (400, "parameter_invalid")
    assert repr(query.partition("=")[0]) in answer.json["message"] and "status" in answer.json["detail"]
    assert meant is None or f"Did you mean {meant}?" in answer.json["message"]


def test_a_stranger_sees_none_of_them(stranger, three):
    assert ids(stranger.get("/connections")) == []
    assert ids(stranger.get("/connections?app=zoho-crm&limit=0")) == []
