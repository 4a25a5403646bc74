"""What a field takes, at the edges of its type."""

import pytest

CALL = {"Subject": "x", "Call_Type": "Outbound", "Call_Duration": "10:00"}


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_utc_has_no_date_for_is_refused(kept_crm, time):
    answer = kept_crm.post("Calls", {"data": [CALL | {"Call_Start_Time": time}]})
    assert answer.status == 400
    assert answer.data[0]["details"] == {
        "expected_data_type": "datetime", "api_name": "Call_Start_Time", "json_path": "$.data[0].Call_Start_Time",
    }  # fmt: skip
    assert kept_crm.get("Calls", fields="Call_Start_Time").status == 204


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_first_and_the_last_time_can_be_read_back(crm, time):
    (call,) = crm.insert("Calls", CALL | {"Call_Start_Time": time})
    assert crm.only(f"Calls/{call}")["Call_Start_Time"][4] == "-"


def test_a_time_before_time_zones_is_shown_as_it_can_be_written_again(crm):
    (call,) = crm.insert("Calls", CALL | {"Call_Start_Time": "1850-01-01T12:00:00Z"})
    shown = crm.only(f"Calls/{call}")["Call_Start_Time"]
    assert shown == "1850-01-01T04:07:00-07:53"
    assert crm.put(f"Calls/{call}", {"data": [{"Call_Start_Time": shown}]}).status == 200
    assert crm.only(f"Calls/{call}")["Call_Start_Time"] == shown


def test_none_means_empty_in_a_picklist_and_is_a_text_elsewhere(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "-None-", "Rating": "-None-"})
    answer = crm.only(f"Leads/{lead}")
    assert (answer["Last_Name"], answer["Rating"]) == ("-None-", None)


def test_a_checkbox_that_is_emptied_is_not_ticked(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "x", "Email_Opt_Out": True})
    crm.put(f"Leads/{lead}", {"data": [{"Email_Opt_Out": None}]})
    assert crm.only(f"Leads/{lead}")["Email_Opt_Out"] is False


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (12.3456, 12.34),
        (-12.999, -12.99),
        (0.1 + 0.2, 0.3),
        (1e-7, 0),
        (-1e-7, 0),
        (5e-1, 0.5),
        (10**15, 10**15),
    ],
)
def test_decimals_beyond_the_fields_are_cut_off(crm, sent, kept):
    (deal,) = crm.insert("Deals", {"Deal_Name": "x", "Stage": "Qualification", "Amount": sent})
    answer = crm.get(f"Deals/{deal}", fields="Amount")
    assert answer.data[0]["Amount"] == kept and b"-0.0" not in answer.body


@pytest.mark.parametrize("sent", [10**16, str(10**16), 10**30, "9" * 5000, -(10**16)])
def test_a_bigint_has_as_many_digits_as_its_field(crm, sent):
    (outcome,) = crm.post("Accounts", {"data": [{"Account_Name": "x", "Account_Number": sent}]}).data
    assert outcome["details"] == {
        "maximum_length": 16, "api_name": "Account_Number", "json_path": "$.data[0].Account_Number",
    }  # fmt: skip


@pytest.mark.parametrize("sent", [123, "123"])
def test_a_bigint_is_shown_as_text(crm, sent):
    (account,) = crm.insert("Accounts", {"Account_Name": "x", "Account_Number": sent})
    assert crm.only(f"Accounts/{account}")["Account_Number"] == "123"


def test_a_list_of_objects_holds_nothing_else(crm):
    body = {"Price_Book_Name": "x", "Pricing_Details": [{"from_range": 1, "to_range": 5, "discount": 2}, 7]}
    (outcome,) = crm.post("Price_Books", {"data": [body]}).data
    assert outcome["details"] == {
        "expected_data_type": "jsonobject", "api_name": "Pricing_Details",
        "json_path": "$.data[0].Pricing_Details[1]",
    }  # fmt: skip
