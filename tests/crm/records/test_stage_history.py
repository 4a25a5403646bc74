"""The stages of deals, which a related list tells."""

import pytest

DAY = 86_400


def stages(crm, deal, *fields):
    answer = crm.get(f"Deals/{deal}/Stage_History", fields=",".join(fields), sort_by="id", sort_order="asc")
    return [tuple(row[name] for name in fields) for row in answer.data] if answer.body else []


@pytest.mark.every_storage
def test_a_deal_tells_through_which_stages_it_went(crm, clock, caller_of):
    new = {"Deal_Name": "Boat", "Stage": "Qualification", "Amount": 10}
    deal, other = crm.insert("Deals", new, {**new, "Deal_Name": "Ship"})
    clock.advance(2 * DAY + 5)
    crm = caller_of("acme")
    crm.put("Deals", {"data": [{"id": deal, "Stage": "Needs Analysis", "Amount": 20}]})
    crm.put("Deals", {"data": [{"id": deal, "Amount": 30}]})
    clock.advance(DAY)
    crm = caller_of("acme")
    sent = [{"id": deal, "Stage": stage} for stage in ("Value Proposition", "Closed Won")]
    crm.put("Deals", {"data": sent})
    assert stages(crm, deal, "Stage", "Moved_To__s", "Duration_Days", "Amount") == [
        ("Qualification", "Needs Analysis", 2, 10.0),
        ("Needs Analysis", "Value Proposition", 1, 20.0),
        ("Value Proposition", "Closed Won", 0, 30.0),
        ("Closed Won", None, None, 30.0),
    ]
    assert stages(crm, other, "Stage", "Moved_To__s") == [("Qualification", None)]
    (last,) = crm.get(f"Deals/{deal}/Stage_History", fields="Stage,Modified_By,Probability", per_page=1).data
    assert (last["Stage"], last["Probability"]) == ("Closed Won", 100)
    assert last["Modified_By"]["name"] == crm.only(f"Deals/{deal}")["Modified_By"]["name"]


def test_a_deal_that_is_gone_for_good_leaves_no_stages(crm):
    (deal,) = crm.insert("Deals", {"Deal_Name": "Boat", "Stage": "Qualification"})
    crm.delete("Deals", ids=deal)
    assert crm.get("DealHistory", fields="id").json["info"]["count"] == 1
    crm.delete(f"settings/recycle_bin/{deal}")
    assert crm.get("DealHistory", fields="id").status == 204
