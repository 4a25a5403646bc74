"""Every request to the gateway's own origin gets an answer of Moorage, and never a 5xx."""

import json
import urllib.parse
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.http.errors import STATUS
from tests.control import Caller, Control, token_of

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "X"]
NAMES = ["app", "status", "method", "limit", "session_token", "organisation", "id"]
NAMES += ["refresh_token", "access_token", "expires_in", "data_centre"]
NAMES += ["return_url", "older_than_seconds", "dry_run", "alias", "tag", "tags", "end_user", "environment"]
NAMES += ["name", "scopes", "mode", "expires_at", "overlap_seconds"]
WORDS = ["zoho-crm", "ACTIVE", "PENDING", "OAUTH2", "0", "1", "acme", "", "null"]
WORDS += ["sales-eu", "import", "team:sales", "e55c5bac241a4cc89db550d2cad09136"]
WORDS += ["proxy:zoho-crm:read", "keys:write", "test", "2099-01-01T00:00:00Z"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
texts = st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), max_size=20)
pairs = st.lists(st.tuples(st.sampled_from(NAMES) | texts, texts), max_size=3).map(urllib.parse.urlencode)
bodies = (
    st.binary(max_size=60)
    | st.dictionaries(st.sampled_from(NAMES), json_values).map(lambda body: json.dumps(body).encode())
    | pairs.map(str.encode)
)
known_paths = ["/connections", "/connections/{id}", "/connect/", "/healthz", "/readyz"]
known_paths += ["/connections/prune", "/connections/import", "/keys", "/keys/{key}", "/keys/{key}/rotate"]
paths = st.sampled_from(known_paths) | st.lists(
    texts.map(lambda text: urllib.parse.quote(text, safe="")), max_size=3
).map(lambda parts: "/" + "/".join(parts))


@pytest.fixture(scope="module")
def someone(tmp_path_factory):
    with closing(Control(tmp_path_factory.mktemp("anything") / "home")) as control:
        control.organisation("acme")
        yield Caller(control, "someone")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(METHODS), paths, pairs, bodies, st.booleans(), st.booleans())
def test_every_answer_is_sound(someone, method, path, query, body, known, linked):
    if "{id}" in path or linked:
        connection = someone.connect()
        path = path.replace("{id}", connection["id"])
        link = f"session_token={token_of(connection['url'])}"
        query = f"{query}&{link}" if linked else query
        body = body + b"&" + link.encode() if linked and method == "POST" else body
    if "{key}" in path:
        path = path.replace("{key}", someone.call("POST", "/keys", {"name": "any"}).json["key"]["id"])
    key = someone.key if known else None
    answer = someone.control.call(method, f"{path}?{query}", key=key, body=body)
    assert answer.status in {200, *STATUS.values()} and answer.status < 500
    assert answer.headers["x-request-id"]
    assert int(answer.headers["content-length"]) >= 0
    if answer.status >= 400 and answer.headers["content-type"] == "application/json" and answer.body:
        error = answer.json
        assert error.keys() == {"message", "error", "detail"}
        assert error["error"].keys() == {"type", "code", "message"}
        assert STATUS[error["error"]["code"]] == answer.status
        assert answer.headers["moorage-error-source"] == "gateway"
    elif answer.status >= 400 and answer.body:
        assert path == "/connect/" and b"<h1>" in answer.body
