"""What the paths of the control API have in common."""

import pytest

ID = "e55c5bac-241a-4cc8-9db5-50d2cad09136"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/connections", "GET, HEAD, POST"),
        (f"/connections/{ID}", "DELETE, GET, HEAD, PATCH"),
        ("/connections/prune", "POST"),
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(owner, path, allow):
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "LOCK"} - set(allow.split(", ")):
        answer = owner.call(method, path)
        assert (answer.status, answer.code) == (405, "method_not_allowed")
        assert answer.headers["allow"] == allow


@pytest.mark.parametrize(
    "path", ["/connections/", f"/connections/{ID}/", f"/connections/{ID}/x", "//connections", "/connect"]
)
def test_a_path_beside_a_known_one_is_not_found(owner, path):
    answer = owner.get(path)
    assert (answer.status, answer.code) == (404, "not_found")


def test_a_known_path_in_another_case_is_named(owner):
    answer = owner.get("/Connections")
    assert (answer.status, answer.code) == (404, "not_found")
    assert "Did you mean /connections?" in answer.json["message"]


@pytest.mark.parametrize(
    "path",
    ["/", "/crm/v8/Leads", "/%00", "/%0A", "/%0A0", "/a%0D%0Ab", "/{id}", "/zoho_crm/x"],
)
def test_a_path_without_an_app_shows_the_right_form(owner, path):
    answer = owner.get(path)
    assert (answer.status, answer.code) == (404, "app_unknown")
    assert "/zoho-crm/crm/v8/Leads" in answer.json["message"]
    assert "zoho-crm" in answer.json["detail"]


@pytest.mark.parametrize("path", ["/zoho%2Dcrm/crm/v8/Leads", "/zoho%2dcrm"])
def test_an_encoded_name_of_an_app_is_told_as_that(owner, path):
    answer = owner.get(path)
    assert (answer.status, answer.code) == (404, "app_unknown")
    assert "encoded" in answer.json["message"]


@pytest.mark.parametrize("host", ["[", "", "a b", "evil.test/x?y", "@:99999"])
def test_the_host_header_has_no_say(owner, host):
    assert owner.call("GET", "/nothing", headers=[("Host", host)]).code == "app_unknown"
    url = owner.call("POST", "/connections", {"app": "zoho-crm"}, headers=[("Host", host)]).json[
        "connection"
    ]["url"]
    assert url.startswith("http://gateway.test/connect/")


def test_health_needs_no_key(control):
    assert control.call("GET", "/healthz").json == {"status": "ok"}
    assert control.call("GET", "/readyz").json["status"] == "ready"


def test_a_server_that_will_stop_is_not_ready(control):
    control.rooms.crowd.is_ending = True
    answer = control.call("GET", "/readyz")
    assert (answer.status, answer.json["error"]["code"]) == (503, "server_stopping")


@pytest.mark.parametrize("sent", ["a-sane_one.1", "x" * 128])
def test_the_request_id_is_the_callers_if_it_sent_a_sane_one(owner, sent):
    for path in ("/connections", "/connections/x", "/nothing", "/healthz"):
        assert owner.call("GET", path, headers=[("X-Request-Id", sent)]).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "<b>", "é"])
def test_else_it_is_a_new_one(owner, sent):
    answers = [owner.call("GET", "/connections", headers=[("X-Request-Id", sent)]) for _ in range(2)]
    request_ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(request_ids) == 2 and sent not in request_ids
