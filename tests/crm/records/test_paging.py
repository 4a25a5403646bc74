import base64
import random
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.crm.storage.contract.records import Position
from moorage.crm.wire.page_tokens import PagePosition, bound_to


def fill(crm, count):
    return [
        i
        for start in range(0, count, 100)
        for i in crm.insert("Leads", *[{"Last_Name": str(n)} for n in range(start, min(start + 100, count))])
    ]


def test_walking_by_page_and_by_token_give_the_same(crm):
    ids = fill(crm, 23)[::-1]
    by_page = [
        record["id"]
        for page in (1, 2, 3)
        for record in crm.get("Leads", fields="id", per_page=10, page=page).data
    ]
    assert by_page == ids
    answer = crm.get("Leads", fields="id", per_page=10)
    by_token, pages = [record["id"] for record in answer.data], [1]
    while token := answer.json["info"]["next_page_token"]:
        assert len(token) <= 96
        answer = crm.get("Leads", fields="id", per_page=10, page_token=token)
        by_token += [record["id"] for record in answer.data]
        pages.append(answer.json["info"]["page"])
    assert by_token == ids and pages == [1, 2, 3]
    assert crm.get("Leads", fields="id", per_page=10, page=4).status == 204


@pytest.mark.parametrize("sort_by", ["id", "Created_Time", "Modified_Time"])
@pytest.mark.parametrize("sort_order", ["asc", "desc"])
def test_previous_page_tokens_walk_back(crm, sort_by, sort_order):
    fill(crm, 25)
    params = {"fields": "id", "per_page": 10, "sort_by": sort_by, "sort_order": sort_order}
    first = crm.get("Leads", **params)
    assert first.json["info"]["previous_page_token"] is None
    second = crm.get("Leads", **params, page_token=first.json["info"]["next_page_token"])
    third = crm.get("Leads", **params, page_token=second.json["info"]["next_page_token"])
    assert third.json["info"]["more_records"] is False and len(third.data) == 5
    back = crm.get("Leads", **params, page_token=third.json["info"]["previous_page_token"])
    assert back.data == second.data and back.json["info"]["page"] == 2
    home = crm.get("Leads", **params, page_token=back.json["info"]["previous_page_token"])
    assert home.data == first.data and home.json["info"]["previous_page_token"] is None
    assert home.json["info"]["more_records"] is True


def test_beyond_two_thousand_a_token_is_needed(kept_crm):
    answer = kept_crm.get("Leads", fields="id", page=11)
    assert answer.status == 400 and answer.json["code"] == "DISCRETE_PAGINATION_LIMIT_EXCEEDED"
    assert answer.json["details"] == {"limit": 2000}


def test_a_token_ends_at_a_hundred_thousand(crm):
    organisation = crm.service.organisations.open(crm.organisation)
    scope = bound_to(crm.organisation, organisation.metadata.all("user")[0].id, "Leads", {"fields": "id"})
    tokens = crm.service._crm._tokens
    token = tokens.make(
        PagePosition(Position(None, 5), 501, False, int(datetime(2026, 2, 7, tzinfo=UTC).timestamp())), scope
    )
    answer = crm.get("Leads", fields="id", page_token=token)
    assert answer.status == 400 and answer.json["code"] == "PAGINATION_LIMIT_EXCEEDED"


def test_a_token_is_bound_to_parameters_and_user(crm, stranger):
    fill(crm, 3)
    fill(stranger, 3)
    token = crm.get("Leads", fields="id", per_page=1).json["info"]["next_page_token"]
    for params in ({"fields": "id", "per_page": 2}, {"fields": "id,City", "per_page": 1}, {"fields": "id"}):
        answer = crm.get("Leads", **params, page_token=token)
        assert answer.status == 400 and answer.json["code"] == "TOKEN_BOUND_DATA_MISMATCH"
    assert (
        stranger.get("Leads", fields="id", per_page=1, page_token=token).json["code"]
        == "TOKEN_BOUND_DATA_MISMATCH"
    )
    assert (
        crm.get("Contacts", fields="id", per_page=1, page_token=token).json["code"]
        == "TOKEN_BOUND_DATA_MISMATCH"
    )


def test_a_token_is_of_one_organisation_one_user_one_list_and_its_parameters():
    mine = (1, 2, "Leads", {"fields": "id"})
    others = [(9, *mine[1:]), (1, 9, *mine[2:]), (1, 2, "Deals", mine[3]), (*mine[:3], {"fields": "id,City"})]
    assert bound_to(*mine) == bound_to(*mine[:3], {"page": "2", "page_token": "x", "fields": "id"})
    assert len({bound_to(*other) for other in [mine, *others]}) == 5


def test_the_token_of_a_colleague_is_refused(crm, caller_of):
    fill(crm, 3)
    token = crm.get("Leads", fields="id", per_page=1).json["info"]["next_page_token"]
    colleague = caller_of("acme", user=1)
    answer = colleague.get("Leads", fields="id", per_page=1, page_token=token)
    assert answer.status == 400 and answer.json["code"] == "TOKEN_BOUND_DATA_MISMATCH"
    assert colleague.get("Leads", fields="id", per_page=1).status == 200


def test_no_byte_of_a_token_can_be_changed(crm):
    fill(crm, 3)
    token = crm.get("Leads", fields="id", per_page=1).json["info"]["next_page_token"]
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        text = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        answer = crm.get("Leads", fields="id", per_page=1, page_token=text)
        assert answer.status == 400 and answer.json["code"] == "TOKEN_BOUND_DATA_MISMATCH", place


def test_a_token_expires_after_a_day_fixed_by_the_first(crm, clock, caller_of):
    fill(crm, 3)
    first = crm.get("Leads", fields="id", per_page=1).json["info"]
    assert first["page_token_expiry"] == "2026-02-07T01:10:56-08:00"
    clock.advance(3600 * 23)
    crm = caller_of("acme")
    second = crm.get("Leads", fields="id", per_page=1, page_token=first["next_page_token"]).json["info"]
    assert second["page_token_expiry"] == first["page_token_expiry"]
    clock.advance(3600)
    late = caller_of("acme").get("Leads", fields="id", per_page=1, page_token=second["next_page_token"])
    assert late.status == 400 and late.json["code"] == "EXPIRED_VALUE"


@given(st.text(max_size=100))
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
def test_garbled_tokens_are_refused(crm, token):
    answer = crm.get("Leads", fields="id", page_token=token.encode("utf-8", "replace").decode())
    assert answer.status == 400 and answer.json["code"] == "TOKEN_BOUND_DATA_MISMATCH"


@given(seed=st.integers(0, 10**6), per_page=st.integers(1, 7), order=st.sampled_from(["asc", "desc"]))
@settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
@pytest.mark.parametrize("sort_by", ["id", "Created_Time"])
def test_a_walk_meets_no_gap_and_no_repeat_while_others_insert_and_delete(
    crm, sort_by, seed, per_page, order
):
    chance = random.Random(seed)
    standing = set(fill(crm, 20))
    params = {"fields": "id", "per_page": per_page, "sort_by": sort_by, "sort_order": order}
    answer, seen = crm.get("Leads", **params), []
    for _ in range(400):
        seen += [outcome["id"] for outcome in answer.data]
        if chance.random() < 0.3 and len(standing) > 3:
            gone = chance.choice(sorted(standing))
            standing.discard(gone)
            crm.delete(f"Leads/{gone}")
        if chance.random() < 0.2:
            fill(crm, 1)
        token = answer.json["info"]["next_page_token"]
        if token is None:
            break
        answer = crm.get("Leads", **params, page_token=token)
        if answer.status == 204:
            break
    assert len(seen) == len(set(seen))
    assert standing <= set(seen)
    left = crm.get("Leads", fields="id").data
    crm.delete("Leads", ids=",".join(outcome["id"] for outcome in left[:100]))
