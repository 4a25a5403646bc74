"""Users: the ten types, paging, ids, counting."""

import pytest

PEOPLE = {
    "AllUsers": {"Ana", "Tomas", "Priya", "Callum", "Yuki", "Helena"},
    "ActiveUsers": {"Ana", "Tomas", "Priya", "Callum", "Yuki"},
    "DeactiveUsers": {"Helena"},
    "ConfirmedUsers": {"Ana", "Tomas", "Priya", "Callum", "Helena"},
    "NotConfirmedUsers": {"Yuki"},
    "DeletedUsers": {"Omar"},
    "ActiveConfirmedUsers": {"Ana", "Tomas", "Priya", "Callum"},
    "AdminUsers": {"Ana", "Tomas", "Helena"},
    "ActiveConfirmedAdmins": {"Ana", "Tomas"},
    "CurrentUser": {"Ana"},
}


def names(document) -> set[str]:
    return {user["first_name"] for user in document["users"]}


@pytest.mark.parametrize(("kind", "people"), PEOPLE.items())
def test_each_type_shows_its_users(read, kind, people):
    assert names(read(f"users?type={kind}")) == people


@pytest.mark.parametrize(("kind", "people"), PEOPLE.items())
def test_each_type_is_counted(read, kind, people):
    assert read(f"users/actions/count?type={kind}") == {"count": len(people)}


def test_without_a_type_all_are_shown(read):
    assert names(read("users")) == PEOPLE["AllUsers"]


def test_the_current_user_is_the_one_of_the_token(read, organisation):
    second = organisation.metadata.all("user")[1].id
    assert names(read("users?type=CurrentUser", user=second)) == {"Tomas"}


@pytest.mark.parametrize("kind", ["allusers", "", "Admins", "%00"])
def test_an_unknown_type_is_refused_with_the_known_ones(refused, kind):
    code, details = refused(f"users?type={kind}")
    assert code == "PATTERN_NOT_MATCHED"
    assert details == {"param_name": "type", "supported_values": list(PEOPLE)}


def test_pages_follow_each_other(read):
    first, second = (read(f"users?per_page=4&page={page}") for page in (1, 2))
    assert first["info"] == {"per_page": 4, "count": 4, "page": 1, "more_records": True}
    assert second["info"] == {"per_page": 4, "count": 2, "page": 2, "more_records": False}
    assert names(first) | names(second) == PEOPLE["AllUsers"]


def test_a_page_that_ends_with_the_last_user_has_no_more(read):
    assert read("users?per_page=6")["info"]["more_records"] is False


def test_beyond_the_last_page_there_is_nothing(ask):
    assert ask("users?page=2").status == 204


def test_ids_choose_among_them(read, organisation):
    ana, tomas, *_ = organisation.metadata.all("user")
    assert names(read(f"users?ids={tomas.id},{ana.id},99")) == {"Ana", "Tomas"}


def test_ids_nobody_has_show_nothing(ask):
    assert ask("users?ids=1").status == 204


def test_more_than_a_hundred_ids_are_refused(refused):
    ids = ",".join(str(n) for n in range(1, 102))
    assert refused(f"users?ids={ids}") == ("LIMIT_EXCEEDED", {"limit": 100, "param_name": "ids"})


def test_one_user_shows_more_of_itself(read, organisation):
    ana = organisation.metadata.all("user")[0]
    document = read(f"users/{ana.id}")
    assert names(document) == {"Ana"}
    assert "info" not in document
    assert {"theme", "customize_info"} <= set(document["users"][0])


def test_a_deleted_user_can_still_be_read_by_id(read, organisation):
    omar = organisation.metadata.all("user")[-1]
    assert read(f"users/{omar.id}")["users"][0]["status"] == "deleted"


def test_a_user_nobody_knows_is_no_content(ask):
    answer = ask("users/7243485000000999999")
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("text", ["abc", "-1", "0", "1.5", "9" * 30, "%D9%A1", "9223372036854775808"])
def test_what_is_no_id_is_refused(refused, text):
    assert refused(f"users/{text}") == ("INVALID_DATA", {"resource_path_index": 1})


class TestIfModifiedSince:
    def test_nothing_changed_since(self, ask):
        answer = ask("users", since="2026-02-06T01:10:57-08:00")
        assert (answer.status, answer.body) == (304, b"")

    def test_the_moment_itself_counts_as_changed(self, read):
        assert names(read("users", since="2026-02-06T09:10:56+00:00")) == PEOPLE["AllUsers"]

    @pytest.mark.parametrize("since", ["yesterday", "", "2026-02-06", "Fri, 06 Feb 2026 09:10:56 GMT"])
    def test_another_form_is_refused(self, refused, since):
        assert refused("users", since=since)[0] == "INVALID_DATA"
