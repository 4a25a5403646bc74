import socket
import threading
import time

import pytest

from moorage.client import ApiError, Misconfigured, Moorage, Unreachable


def test_it_sends_the_key_and_the_named_connection(server, moorage):
    moorage.request("get", "/zoho-crm/crm/v8/Leads", params={"fields": "Last_Name,Email"}, connection="c1")
    [seen] = server.seen
    assert (seen.method, seen.target) == ("GET", "/zoho-crm/crm/v8/Leads?fields=Last_Name,Email")
    assert seen.headers["authorization"] == "Bearer mk_test"
    assert seen.headers["maton-connection"] == "c1"


def test_a_path_goes_out_as_it_was_written(server, moorage):
    moorage.request("GET", "/a/b%20c/(x:equals:y)?q=1", params=[("ids", 1), ("ids", 2), ("converted", True)])
    assert server.seen[0].target == "/a/b%20c/(x:equals:y)?q=1&ids=1&ids=2&converted=true"


def test_what_may_not_stand_in_a_target_is_escaped(server, moorage):
    moorage.request("GET", "/Leads/search?criteria=(City:equals:Århus N)\r\nX-Evil: 1")
    assert server.seen[0].target == "/Leads/search?criteria=(City:equals:%C3%85rhus%20N)%0D%0AX-Evil:%201"
    assert "x-evil" not in server.seen[0].headers


def test_json_is_sent_as_json(server, moorage):
    moorage.request("POST", "/x", json={"name": "Ærø"})
    assert server.seen[0].headers["content-type"] == "application/json"
    assert server.seen[0].body == '{"name": "Ærø"}'.encode()


def test_a_body_goes_out_byte_for_byte(server, moorage):
    moorage.request("PUT", "/x", body=b"\x00\xff", headers={"content-type": "application/zip"})
    assert server.seen[0].body == b"\x00\xff"
    assert server.seen[0].headers["content-type"] == "application/zip"


def test_a_header_of_the_caller_replaces_ours(server, moorage):
    moorage.request("GET", "/x", headers={"accept": "text/csv"})
    assert server.seen[0].headers["accept"] == "text/csv"


def test_an_empty_answer_has_no_document(server, moorage):
    server.answers(204)
    answer = moorage.request("GET", "/x")
    assert (answer.status, answer.json()) == (204, None)


def test_connections_are_kept_alive(server, moorage):
    moorage.request("GET", "/x")
    moorage.request("GET", "/x")
    assert server.seen[0].peer == server.seen[1].peer


def test_a_connection_that_the_server_closed_is_made_anew(server, moorage):
    server.reply.close = True
    moorage.request("POST", "/x", json=1)
    time.sleep(0.1)
    moorage.request("POST", "/x", json=2)
    assert len(server.seen) == 2


def test_threads_may_share_a_client(server, moorage):
    threads = [threading.Thread(target=moorage.request, args=("GET", f"/{n}")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {seen.target for seen in server.seen} == {f"/{n}" for n in range(8)}


def test_our_errors_are_read(server, moorage):
    body = {
        "message": "No such connection",
        "error": {"type": "not_found", "code": "connection_unknown", "message": "No such connection"},
        "detail": {"connection_id": "x"},
    }
    server.answers(404, body, X_Request_Id="r1")
    with pytest.raises(ApiError) as caught:
        moorage.request("GET", "/connections/x")
    error = caught.value
    assert (error.status, error.code, error.message) == (404, "connection_unknown", "No such connection")
    assert (error.detail, error.request_id) == ({"connection_id": "x"}, "r1")
    assert error.response.json() == body


@pytest.mark.parametrize("shape", ["bare", "per record"])
def test_errors_of_zoho_are_read(server, moorage, shape):
    fault = {"code": "INVALID_DATA", "details": {"api_name": "x"}, "message": "bad", "status": "error"}
    server.answers(400, fault if shape == "bare" else {"data": [fault]})
    with pytest.raises(ApiError) as caught:
        moorage.request("GET", "/x")
    assert (caught.value.code, caught.value.message) == ("INVALID_DATA", "bad")
    assert caught.value.detail == {"api_name": "x"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"\xff", b'{"data": []}', b'{"data": [1]}'])
def test_an_error_without_explanation_is_still_one(server, moorage, body):
    server.answers(502, body)
    with pytest.raises(ApiError) as caught:
        moorage.request("GET", "/x")
    assert (caught.value.status, caught.value.code) == (502, None)
    assert "502" in str(caught.value)


def test_a_redirect_is_an_answer(server, moorage):
    server.answers(302, Location="/elsewhere")
    answer = moorage.request("GET", "/x")
    assert (answer.status, answer.header("LOCATION")) == (302, "/elsewhere")


def test_nobody_listening_is_told_and_nothing_was_sent():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"Nothing listens at {url}") as caught:
            Moorage("mk_test", url).request("POST", "/x", json={})
    assert not caught.value.sent


def test_a_late_answer_is_told_and_may_have_been_sent(server):
    server.reply.delay = 1
    with (
        Moorage("mk_test", server.url, timeout=0.1) as client,
        pytest.raises(Unreachable, match=r"within 0\.1 s") as caught,
    ):
        client.request("GET", "/x")
    assert caught.value.sent


def test_after_a_failure_the_next_call_works(server):
    server.reply.delay = 0.4
    with Moorage("mk_test", server.url, timeout=0.2) as client:
        with pytest.raises(Unreachable):
            client.request("GET", "/late")
        server.reply.delay = 0
        assert client.request("GET", "/x").status == 200


@pytest.mark.parametrize(
    "url", ["localhost:8787", "ftp://x", "http://", "http://h:port", "http://h/?q", "http://h:0"]
)
def test_a_text_that_is_no_address_is_refused(url):
    with pytest.raises(Misconfigured, match="address of a server"):
        Moorage("mk_test", url)


def test_a_key_is_needed(monkeypatch):
    monkeypatch.delenv("MOORAGE_API_KEY", raising=False)
    with pytest.raises(Misconfigured, match="moorage key create"):
        Moorage()


@pytest.mark.parametrize("key", ["a b", "schlüssel", "a\nb", "a\x00b"])
def test_a_key_that_no_header_can_carry_is_refused(key):
    with pytest.raises(Misconfigured, match="copied as a whole"):
        Moorage(key)


def test_key_and_address_come_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("MOORAGE_API_KEY", "mk_env\n")
    monkeypatch.setenv("MOORAGE_URL", f"{server.url}/base/")
    with Moorage() as client:
        client.request("GET", "/x")
    assert server.seen[0].headers["authorization"] == "Bearer mk_env"
    assert server.seen[0].target == "/base/x"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [({"path": "x"}, "slash"), ({"path": "/", "json": 1, "body": b""}, "not both")],
)
def test_calls_that_make_no_sense_are_refused(moorage, arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        moorage.request("GET", **arguments)


def test_the_key_is_in_no_repr(moorage):
    assert "mk_test" not in repr(moorage)
    assert "mk_test" not in repr(vars(moorage.connections))
