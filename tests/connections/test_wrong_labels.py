"""Aliases, tags and end users that can't be."""

import pytest

from moorage.connections.errors import ConnectionUnknown

UUID = "e55c5bac-241a-4cc8-9db5-50d2cad09136"
MANY_TAGS = "&".join(f"tag=t{number}" for number in range(2000))


# Digits and letters that Python takes for those of ASCII, ids in all their spellings, and words of paths.
NO_ALIASES = [
    "", "-a", "Sales", "sales_eu", "sales.eu", "a b", " a", "a\n", "a\0", "a" * 64, "\u212aelvin",
    "\uff53ales", "s\u0430les",
    "é", "\u0661\u0662", "a;b", "../a", UUID, UUID.replace("-", ""), f"{UUID[:7]}-{UUID[7:]}", "import", "prune",
]  # fmt: skip


@pytest.mark.parametrize("alias", [*NO_ALIASES, 7, True, ["a"], {"a": 1}], ids=lambda alias: repr(alias)[:20])
def test_what_can_not_be_an_alias_is_refused_and_nothing_is_made_or_found(owner, alias):
    for method, path, body in (
        ("POST", "/connections", {"app": "zoho-crm", "alias": alias}),
        ("PATCH", f"/connections/{owner.connect()['id']}", {"alias": alias}),
    ):
        answer = owner.call(method, path, body)
        assert (answer.status, answer.code) == (400, "body_invalid")
        assert "alias" in answer.json["message"] and "sales-eu" in answer.json["detail"]
    assert len(owner.get("/connections").json["connections"]) == 1
    with pytest.raises(ConnectionUnknown):
        owner.control.run(owner.control.rooms.connections.choose(owner.account, "zoho-crm", str(alias)))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tags": "eu"},
        {"tags": {"eu": 1}},
        {"tags": [7]},
        {"tags": ["EU"]},
        {"tags": ["a b"]},
        {"tags": [""]},
        {"tags": ["%"]},
        {"tags": ["a" * 64]},
        {"tags": [f"t{number}" for number in range(21)]},
        {"end_user": ""},
        {"end_user": " x"},
        {"end_user": "a\0b"},
        {"end_user": "a\u202eb"},
        {"end_user": "x" * 129},
        {"end_user": 7},
        {"Alias": "a"},
        {"app": "stripe"},
        {"status": "ACTIVE"},
    ],
    ids=lambda body: repr(body)[:30],
)
def test_labels_that_can_not_be_are_refused_and_change_nothing(owner, body):
    connection = owner.connect(alias="a", tags=["b"], end_user="c")["id"]
    answer = owner.call("PATCH", f"/connections/{connection}", body)
    assert (answer.status, answer.code) == (400, "body_invalid") and len(answer.body) < 1000
    kept = owner.get(f"/connections/{connection}").json["connection"]
    assert (kept["alias"], kept["tags"], kept["end_user"]) == ("a", ["b"], "c")


@pytest.mark.parametrize(
    "query",
    ["alias=A", "alias=%00", f"alias={UUID}", "tag=%00", "tag=eu&tag=%00", MANY_TAGS, "end_user=%00",
     "alias=", "tag=", "tag=eu&tag=", "end_user=",
     "tag=A", "tag=%25", "end_user=" + "x" * 129, "environment=Live", "environment=%00"],
)  # fmt: skip
def test_a_filter_that_matches_nothing_ever_is_refused(owner, query):
    answer = owner.get(f"/connections?{query}")
    assert (answer.status, answer.code) == (400, "parameter_invalid") and len(answer.body) < 1000
