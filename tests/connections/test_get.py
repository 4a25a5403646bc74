import pytest

from tests.control import token_of
from tests.control_database import on_both as database_settings  # noqa: F401


def test_an_active_connection_tells_whose_account_it_is(control, owner):
    control.organisation("acme", "Acme Corp")
    connection = owner.connect()
    control.clock.advance(61.5)
    control.press(connection["url"], "acme")
    answer = owner.get(f"/connections/{connection['connection_id']}")
    assert (answer.status, answer.json.keys()) == (200, {"connection"})
    shown = answer.json["connection"]
    assert shown["status"] == "ACTIVE"
    assert (shown["creation_time"], shown["last_updated_time"]) == (
        "2026-02-07T09:10:56.048460Z",
        "2026-02-07T09:11:57.548460Z",
    )
    assert shown["metadata"]["organisation"] == "Acme Corp"
    assert shown.keys() == connection.keys()


def test_every_read_gives_a_link_that_starts_anew(control, owner):
    connection = owner.connect()
    control.clock.advance(29 * 60)
    again = owner.get(f"/connections/{connection['connection_id']}").json["connection"]
    control.clock.advance(2 * 60)
    assert control.call("GET", f"/connect/?session_token={token_of(connection['url'])}").status == 410
    assert control.call("GET", f"/connect/?session_token={token_of(again['url'])}").status == 403


def test_the_id_may_be_written_in_capitals(owner):
    connection = owner.connect()
    assert (
        owner.get(f"/connections/{connection['connection_id'].upper()}").json["connection"]["id"]
        == connection["id"]
    )


MALFORMED = ["x", "%00", "%FF", "e55c5bac", "-", "..", "{e55c5bac-241a-4cc8-9db5-50d2cad09136}", "a" * 5000]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_malformed_deleted_and_somebody_elses_are_one_answer(owner, stranger, method):
    somebodys, deleted = owner.connect()["id"], stranger.connect()["id"]
    stranger.call("DELETE", f"/connections/{deleted}")
    unknown = "e55c5bac-241a-4cc8-9db5-50d2cad09136"
    compact = somebodys.replace("-", "")
    answers = [
        stranger.call(method, f"/connections/{connection_id}")
        for connection_id in (unknown, somebodys, deleted, compact, *MALFORMED)
    ]
    assert {answer.status for answer in answers} == {404}
    assert {answer.code for answer in answers} == {"connection_unknown"}
    assert answers[0].alike() == (
        404,
        answers[1].alike()[1],
        answers[1].body.replace(somebodys.encode(), unknown.encode()),
    )
    assert answers[0].body == answers[2].body.replace(deleted.encode(), unknown.encode())
    assert all(len(answer.body) < 1000 for answer in answers)
    assert owner.get(f"/connections/{somebodys}").status == 200
