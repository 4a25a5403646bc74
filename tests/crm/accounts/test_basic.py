"""HTTP Basic at the token endpoint and at revoking."""

import base64
import json
from urllib.parse import quote, urlencode

import pytest


def basic(name, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


@pytest.fixture
def send(nobody):
    def send(headers, path="/oauth/v2/token", **values):
        answer = nobody.call("POST", path, body=urlencode(values).encode(), headers=headers)
        return answer.status, json.loads(answer.body)

    return send


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_secret_may_come_in_the_header(self_client, code_of, send, works, scheme):
    headers = basic(self_client.id, self_client.secret)
    headers["Authorization"] = scheme + headers["Authorization"][5:]
    status, tokens = send(headers, grant_type="authorization_code", code=code_of(self_client))
    assert status == 200 and works(tokens["access_token"])
    again = send(headers, grant_type="refresh_token", refresh_token=tokens["refresh_token"])[1]
    assert works(again["access_token"])


def test_id_and_secret_are_form_encoded_in_the_header(self_client, code_of, send):
    encoded = "".join(f"%{ord(letter):02X}" for letter in self_client.id), quote(self_client.secret)
    assert (
        "access_token" in send(basic(*encoded), grant_type="authorization_code", code=code_of(self_client))[1]
    )


def test_header_and_form_may_say_the_same(self_client, code_of, send):
    both = {"client_id": self_client.id, "client_secret": self_client.secret}
    headers = basic(self_client.id, self_client.secret)
    for form in (both, {"client_id": self_client.id}):
        tokens = send(headers, grant_type="authorization_code", code=code_of(self_client), **form)[1]
        assert "access_token" in tokens


@pytest.mark.parametrize(
    ("header", "form", "error"),
    [
        ("{id}:wrong", {}, "invalid_client_secret"),
        ("nobody:{secret}", {}, "invalid_client"),
        ("{id}:{secret}", {"client_id": "1000.OTHER"}, "invalid_client"),
        ("{id}:{secret}", {"client_secret": "other"}, "invalid_client"),
        ("{id}:wrong", {"client_secret": "{secret}"}, "invalid_client"),
        ("{id}", {"client_secret": "{secret}"}, "invalid_client"),
        ("", {}, "invalid_client"),
        ("{id}:", {}, "invalid_client_secret"),
    ],
)
def test_a_wrong_client_is_told_as_zoho_tells_it(self_client, code_of, send, header, form, error):
    known = {"id": self_client.id, "secret": self_client.secret}
    name, colon, secret = header.format(**known).partition(":")
    headers = (
        basic(name, secret)
        if colon
        else {"Authorization": "Basic " + base64.b64encode(name.encode()).decode()}
    )
    code = code_of(self_client)
    form = {key: value.format(**known) for key, value in form.items()}
    assert send(headers, grant_type="authorization_code", code=code, **form) == (200, {"error": error})
    right = basic(self_client.id, self_client.secret)
    assert "access_token" in send(right, grant_type="authorization_code", code=code)[1]  # It was not spent.


@pytest.mark.parametrize(
    "text", ["Basic", "Basic ", "Basic !!!", "Basic 4pyT", "Basic " + "A" * 60_000, "Basic /w=="]
)
def test_a_header_that_can_not_be_read_names_no_client(self_client, code_of, send, text):
    answer = send({"Authorization": text}, grant_type="authorization_code", code=code_of(self_client))
    assert answer == (200, {"error": "invalid_client"})


def test_revoking_takes_it_too_and_refuses_a_wrong_one(self_client, code_of, send, works):
    headers = basic(self_client.id, self_client.secret)
    tokens = send(headers, grant_type="authorization_code", code=code_of(self_client))[1]
    wrong = send(basic(self_client.id, "wrong"), "/oauth/v2/token/revoke", token=tokens["refresh_token"])
    assert wrong == (400, {"status": "failure", "error": "invalid_client_secret"}) and works(
        tokens["access_token"]
    )
    done = send(headers, "/oauth/v2/token/revoke", token=tokens["refresh_token"])
    assert done == (200, {"status": "success"}) and not works(tokens["access_token"])
