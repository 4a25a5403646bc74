"""OpenID Connect: discovery, signatures and claims, as a strict client checks them."""

import base64
import hashlib
import json
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256

from tests.crm.accounts.browser import ANA, Browser, sign_in

SCOPES = "openid profile email ZohoCRM.modules.ALL"
EC_KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


def raw(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(token, keys):
    """The claims of a token, after its signature was verified with one of the keys."""
    head, body, signature = token.split(".")
    named = json.loads(raw(head))
    [key] = [candidate for candidate in keys["keys"] if candidate["kid"] == named["kid"]]
    assert (named["alg"], named["typ"], key["alg"], key["use"], key["kty"]) == (
        "RS256",
        "JWT",
        "RS256",
        "sig",
        "RSA",
    )
    public = RSAPublicNumbers(*(int.from_bytes(raw(key[part])) for part in "en")).public_key()
    public.verify(raw(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
    return json.loads(raw(body))


@pytest.fixture
def told(client, ana, origin):
    """The token answer of somebody who consented to these scopes, and what was on the page."""

    def told(scope=SCOPES, **more):
        browser = Browser(origin)
        page = sign_in(browser, client.asks(scope=scope, **more))
        return origin.exchange(client, browser.send(page, "accept")), page.text

    return told


def get(origin, path, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    status, _, body = origin.call("GET", path, headers=headers)
    return status, json.loads(body)


def test_an_id_token_says_who_consented_and_to_what(client, origin, told, clock, nobody):
    tokens, page = told(nonce="n-0S6_WzA2Mj é")
    for words in ("Know that it is you who signed in", "See your name", "See your e-mail address"):
        assert words in page
    where = get(origin, "/.well-known/openid-configuration")[1]
    keys = get(origin, where["jwks_uri"].removeprefix(origin.url))[1]
    claims = verified(tokens["id_token"], keys)
    now = int(clock.timestamp())
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims == {
        "iss": origin.url,
        "sub": claims["sub"],
        "aud": client.id,
        "iat": now,
        "exp": now + 3600,
        "nonce": "n-0S6_WzA2Mj é",
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        "name": "Ana Moreira",
        "given_name": "Ana",
        "family_name": "Moreira",
        "email": ANA,
        "email_verified": True,
    }
    assert claims["iss"] == where["issuer"] and tokens["scope"] == SCOPES
    status, user = get(origin, "/oauth/v2/userinfo", tokens["access_token"])
    assert (
        status == 200 and user == {key: claims[key] for key in user} and set(user) >= {"sub", "name", "email"}
    )


@pytest.mark.parametrize(
    ("scope", "known"),
    [
        ("openid", set()),
        ("openid email", {"email", "email_verified"}),
        ("openid,profile", {"name", "given_name", "family_name"}),
    ],
)
def test_the_scopes_decide_what_is_told(origin, told, scope, known):
    tokens, _ = told(scope=scope)
    claims = verified(tokens["id_token"], get(origin, "/oauth/v2/keys")[1])
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "at_hash"} | known
    assert set(get(origin, "/oauth/v2/userinfo", tokens["access_token"])[1]) == {"sub"} | known


def test_without_openid_there_is_no_id_token_and_no_user_to_ask_for(origin, told):
    tokens, _ = told(scope="ZohoCRM.modules.ALL email")
    assert "id_token" not in tokens
    assert get(origin, "/oauth/v2/userinfo", tokens["access_token"]) == (401, {"error": "INVALID_OAUTHSCOPE"})
    assert get(origin, "/oauth/v2/userinfo", "x") == (401, {"error": "INVALID_OAUTHTOKEN"})
    assert get(origin, "/oauth/v2/userinfo") == (401, {"error": "INVALID_OAUTHTOKEN"})


def test_a_renewed_token_comes_without_an_id_token_and_openid_opens_no_records(client, origin, told, works):
    tokens, _ = told(scope="openid")
    again = origin.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert "access_token" in again and "id_token" not in again
    status, refused = get(origin, "/crm/v8/Leads?fields=id", tokens["access_token"])
    assert (status, refused["code"]) == (401, "OAUTH_SCOPE_MISMATCH")


def test_each_data_centre_is_an_issuer(origin):
    for base in ("", "/dc/eu"):
        status, where = get(origin, f"{base}/.well-known/openid-configuration")
        assert (status, where["issuer"]) == (200, f"{origin.url}{base}")
        assert where["token_endpoint"] == f"{origin.url}{base}/oauth/v2/token"
        assert get(origin, f"{base}/oauth/v2/keys")[0] == 200


def test_the_key_is_made_once_and_kept_for_its_owner_only(origin, service, tmp_path, nobody):
    path = tmp_path / "crm" / "openid.key"
    assert not path.exists()
    keys = get(origin, "/oauth/v2/keys")[1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # Another process on the same folder has the same.
    assert nobody.get("/oauth/v2/keys").json == keys == get(origin, "/oauth/v2/keys")[1]
    assert set(keys["keys"][0]) == {"kty", "n", "e", "use", "alg", "kid"}


@pytest.mark.parametrize("held", [b"no key", EC_KEY], ids=["no key", "a key of another kind"])
def test_a_file_that_holds_no_such_key_is_told_as_trouble(origin, service, tmp_path, held):
    path = tmp_path / "crm" / "openid.key"
    path.write_bytes(held)
    status, told = get(origin, "/oauth/v2/keys")
    assert (status, told["error"]) == (503, "temporarily_unavailable")
    assert told["error_description"] == "openid.key, the key that signs ID tokens, can't be read."
    assert path.read_bytes() == held
    path.unlink()
    assert get(origin, "/oauth/v2/keys")[0] == 200


@pytest.mark.parametrize(
    "path", ["/oauth/v2/keys", "/oauth/v2/userinfo", "/.well-known/openid-configuration"]
)
def test_other_methods_are_refused(origin, path):
    status, headers, _ = origin.call("PUT", path)
    assert status == 405 and dict(headers).get("allow", dict(headers).get("Allow")).startswith("GET")


def test_a_nonce_that_can_not_be_kept_is_told_to_the_client(client, origin):
    page = Browser(origin).get(client.asks(nonce="n" * 501))
    assert page.callback["error"] == "invalid_request"
