"""A small OpenID Connect issuer, called where a socket would call it."""

import json
import secrets
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from moorage.digests import challenge_of
from moorage.oauth.transport.contract import HttpReply, Unanswered

URL = "https://issuer.test"
CLIENT_ID, SECRET = "moorage", "issuer-secret-of-thirty-two-bytes-and-more"
KEY = generate_private_key(65537, 2048)
OTHER_KEY = generate_private_key(65537, 2048)


class TestIssuer:
    """`claims` replace those of its ID tokens, and `discovery` parts of its document; None takes one away."""

    __test__ = False

    def __init__(self, clock):
        self.clock = clock
        self.email, self.subject = "grace@example.com", "subject-1"
        self.claims, self.discovery = {}, {}
        self.key, self.kid, self.algorithm, self.published = KEY, "one", "RS256", [(KEY, "one")]
        self.is_away = False
        self.calls = []
        self._codes = {}

    async def send(self, call):
        if self.is_away:
            raise Unanswered("issuer.test could not be reached.", sent=False)
        path = urlsplit(call.url).path
        self.calls.append(path)
        if path == "/.well-known/openid-configuration":
            return _reply(200, self._document())
        if path == "/keys":
            return _reply(200, {"keys": [_public(key, kid) for key, kid in self.published]})
        assert (call.method, path) == ("POST", "/token")
        return self._token(call)

    def _document(self):
        document = {
            "issuer": URL,
            "authorization_endpoint": f"{URL}/authorize",
            "token_endpoint": f"{URL}/token",
            "jwks_uri": f"{URL}/keys",
        }
        return {k: v for k, v in (document | self.discovery).items() if v is not None}

    def _token(self, call):
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        asked = self._codes.pop(form["code"], None)
        if asked is None or challenge_of(form["code_verifier"]) != asked["code_challenge"]:
            return _reply(400, {"error": "invalid_grant"})
        assert form["redirect_uri"] == asked["redirect_uri"]
        assert SECRET not in call.url and call.headers["Authorization"].startswith("Basic ")
        now = int(self.clock.timestamp())
        claims = {
            "iss": URL, "aud": CLIENT_ID, "sub": self.subject, "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "email": self.email, "email_verified": True, "name": "Grace Hopper",
        }  # fmt: skip
        claims = {k: v for k, v in (claims | self.claims).items() if v is not None}
        key = SECRET if self.algorithm == "HS256" else None if self.algorithm == "none" else self.key
        token = jwt.encode(claims, key, algorithm=self.algorithm, headers={"kid": self.kid})
        return _reply(200, {"access_token": "a", "token_type": "Bearer", "id_token": token})

    def let_in(self, url):
        """What a person brings back who was sent to the issuer: the state and a code."""
        address = urlsplit(url)
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{URL}/authorize"
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        assert (asked["client_id"], asked["scope"]) == (CLIENT_ID, "openid email profile")
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        return {"state": asked["state"], "code": code}


def _public(key, kid):
    return json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "use": "sig"}


def _reply(status, document):
    return HttpReply(status, json.dumps(document).encode())
