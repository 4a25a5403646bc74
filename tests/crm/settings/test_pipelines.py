"""Pipelines of deals, what they mean for the stages of deals, and deals that go to another pipeline."""

import pytest

from tests.crm.settings.changes import made, outcomes, work


@pytest.fixture
def layout(crm):
    return crm.get("settings/layouts", module="Deals").json["layouts"][0]["id"]


@pytest.fixture
def stages(crm):
    """The ids of the stages by their actual values."""
    fields = crm.get("settings/fields", module="Deals").json["fields"]
    [stage] = [field for field in fields if field["api_name"] == "Stage"]
    return {option["actual_value"]: option["id"] for option in stage["pick_list_values"]}


@pytest.fixture
def short(crm, layout, stages):
    """A pipeline of two stages, by its id."""
    return made(
        crm,
        "pipeline",
        "pipeline",
        specified(stages, "Short", "Qualification", "Closed Won"),
        layout_id=layout,
    )[0]


def specified(stages, label, *names, **more):
    maps = [{"id": stages[name], "sequence_number": number} for number, name in enumerate(names, 1)]
    return {"display_value": label, "maps": maps, **more}


def shown(crm, layout):
    """The stages of each pipeline by its label."""
    pipelines = crm.get("settings/pipeline", layout_id=layout).json["pipeline"]
    return {each["display_value"]: [stage["actual_value"] for stage in each["maps"]] for each in pipelines}


def change(crm, layout, pipeline, **spec):
    return crm.put(f"settings/pipeline/{pipeline}", {"pipeline": [spec]}, layout_id=layout)


def deal(**values):
    return {"Deal_Name": "A", "Stage": "Qualification", **values}


def test_a_pipeline_is_made_changed_and_deleted(crm, layout, stages, short, stranger):
    assert shown(crm, layout)["Short"] == ["Qualification", "Closed Won"]
    lost, won = stages["Closed Lost"], stages["Closed Won"]
    maps = [{"id": lost, "sequence_number": 1}, {"id": won, "sequence_number": 1, "_delete": True}]
    answer = crm.call(
        "PUT",
        "settings/pipeline",
        {"layout_id": layout},
        {"pipeline": [{"id": short, "maps": maps}, {"id": "12"}]},
    )
    assert (answer.status, [code for code, _ in outcomes(answer, "pipeline")]) == (
        207,
        ["SUCCESS", "INVALID_DATA"],
    )
    assert outcomes(change(crm, layout, short, display_value="Quick", default=True), "pipeline") == [
        ("SUCCESS", "Pipeline updated")
    ]
    assert shown(crm, layout)["Quick"] == ["Closed Lost", "Qualification"]
    [one] = crm.get(f"settings/pipeline/{short}", layout_id=layout).json["pipeline"]
    assert (one["default"], one["actual_value"], one["maps"][0]["forecast_type"]) == (
        True,
        "Short",
        "Closed Lost",
    )
    [new] = crm.insert("Deals", deal())
    assert crm.only(f"Deals/{new}")["Pipeline"] == "Short"
    deletion = {"pipeline": [{"_delete": {"permanent": True}}]}
    for pipeline, code in ((short, "CANNOT_DELETE"), ("12", "INVALID_DATA")):
        answer = crm.call("PATCH", f"settings/pipeline/{pipeline}", {"layout_id": layout}, deletion)
        assert (answer.status, code in answer.body.decode()) == (400, True)
    [other] = made(crm, "pipeline", "pipeline", specified(stages, "Other", "Closed Won"), layout_id=layout)
    answer = crm.call("PATCH", f"settings/pipeline/{other}", {"layout_id": layout}, deletion)
    assert outcomes(answer, "pipeline") == [("SUCCESS", "Pipeline deleted")]
    assert "Other" not in shown(crm, layout)
    theirs = stranger.get("settings/layouts", module="Deals").json["layouts"][0]["id"]
    assert stranger.get(f"settings/pipeline/{short}", layout_id=theirs).status == 204
    assert stranger.get("settings/pipeline", layout_id=layout).json["message"] == "Invalid layoutid"


def test_a_wrong_pipeline_is_refused_with_its_place(crm, layout, stages, short):
    won = {"id": stages["Closed Won"], "sequence_number": 1}
    wrong = [
        ({"display_value": "short"}, ("DUPLICATE_DATA", "display_value")),
        ({"display_value": None}, ("MANDATORY_NOT_FOUND", "display_value")),
        ({"maps": []}, ("MANDATORY_NOT_FOUND", "maps")),
        ({"maps": [{**won, "id": "12"}]}, ("INVALID_DATA", "maps[0].id")),
        ({"maps": [{"id": won["id"]}]}, ("MANDATORY_NOT_FOUND", "maps[0].sequence_number")),
        ({"maps": [won, won]}, ("DUPLICATE_DATA", "maps[1].id")),
    ]  # fmt: skip
    for members, (code, place) in wrong:
        spec = {"display_value": "New", "maps": [won], **members}
        [outcome] = crm.post("settings/pipeline", {"pipeline": [spec]}, layout_id=layout).json["pipeline"]
        assert (outcome["code"], outcome["details"]["json_path"]) == (code, f"$.pipeline[0].{place}")
    everything = [{"id": each, "sequence_number": 1, "_delete": True} for each in stages.values()]
    assert change(crm, layout, short, maps=everything).status == 400
    assert crm.get("settings/pipeline").json["details"] == {"param_name": "layout_id"}


def test_a_deal_has_a_stage_of_its_pipeline(crm, short):
    answer = crm.post(
        "Deals", {"data": [deal(Pipeline="Short", Stage="Needs Analysis"), deal(Pipeline="Short")]}
    )
    refused, accepted = answer.data
    assert (answer.status, refused["code"], refused["message"]) == (
        207,
        "MAPPING_MISMATCH",
        "Pipeline doesn't contain the Stage",
    )
    assert refused["details"] == {
        "mapped_field": "Pipeline",
        "api_name": "Stage",
        "json_path": "$.data[0].Stage",
    }
    record = accepted["details"]["id"]
    for values, status in (
        ({"Stage": "Needs Analysis"}, 400),
        ({"Stage": "Closed Won"}, 200),
        ({"Amount": 5}, 200),
    ):
        assert crm.put(f"Deals/{record}", {"data": [values]}).status == status
    moved = crm.put(
        f"Deals/{record}", {"data": [{"Stage": "Needs Analysis", "Pipeline": "Standard (Standard)"}]}
    )
    assert moved.status == 200
    assert crm.put(f"Deals/{record}", {"data": [{"Pipeline": "Short"}]}).status == 400
    # Values that are no options are taken, as in every picklist.
    assert crm.put(f"Deals/{record}", {"data": [{"Stage": "My own", "Pipeline": "Short"}]}).status == 200


def test_deals_go_to_another_pipeline(crm, layout, stages, short):
    [other] = made(
        crm,
        "pipeline",
        "pipeline",
        specified(stages, "Other", "Needs Analysis", "Closed Won"),
        layout_id=layout,
    )
    records = crm.insert(
        "Deals", *(deal(Pipeline="Short", Stage=stage) for stage in ("Qualification", "Closed Won")), deal()
    )
    body = {"pipeline": {"from": short, "to": other}, "stages": []}
    path = "settings/pipeline/actions/transfer"
    answer = crm.post(path, {"transfer_pipeline": [body]}, layout_id=layout)
    assert answer.json["transfer_pipeline"][0]["details"]["stages"] == ["Qualification"]
    assert (
        crm.post(
            path,
            {"transfer_pipeline": [{**body, "pipeline": {"from": short, "to": short}}]},
            layout_id=layout,
        ).status
        == 400
    )
    wrong = {**body, "stages": [{"from": stages["Qualification"], "to": stages["Closed Lost"]}]}
    answer = crm.post(path, {"transfer_pipeline": [wrong]}, layout_id=layout)
    assert (
        answer.json["transfer_pipeline"][0]["details"]["json_path"] == "$.transfer_pipeline[0].stages[0].to"
    )
    right = {**body, "stages": [{"from": stages["Qualification"], "to": stages["Needs Analysis"]}]}
    answer = crm.post(path, {"transfer_pipeline": [right]}, layout_id=layout)
    assert outcomes(answer, "transfer_pipeline") == [("SUCCESS", "transfer pipeline scheduled successfully")]
    work(crm, answer.json["transfer_pipeline"][0]["details"]["job_id"])
    deals = {
        each["id"]: (each["Pipeline"], each["Stage"], each["Probability"])
        for each in crm.get("Deals", fields="Pipeline,Stage,Probability").data
    }
    assert [deals[record] for record in records] == [
        ("Other", "Needs Analysis", 20), ("Other", "Closed Won", 100), ("Standard (Standard)", "Qualification", 10),
    ]  # fmt: skip
