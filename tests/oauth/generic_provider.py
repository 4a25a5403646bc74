"""An accounts server and an API for every app there is, on a local port: it holds each to what its declaration says."""

import base64
import hashlib
import json
import re
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

HOME = "eu"  # Where the accounts of apps live that send people back from another data centre than they were sent to.
CENTRE = re.compile(r"\[data_centres\.(.+)\]")
URL = re.compile(r'(api|accounts|tokens|sandbox|developer) = "https://[^"/]+"')


def ticked(app):
    """The scopes that a person asks for who changes nothing on the connect page."""
    return [scope for scope in app.scopes if scope not in app.unticked]


class Refused(Exception):
    """The declaration does not allow the request."""


@dataclass
class Grant:
    """What a person allowed. `access` holds the tokens that are good."""

    app: str
    centre: str
    refresh: str | None
    access: set[str] = field(default_factory=set)


class GenericProvider:
    """Serves each app below `/{app}/{data centre}/{key}`, where the key is that of a data centre's URL.

    Who asks to sign in is let in at once. `faults` are the requests that were refused, each as a sentence; `calls` are
    those of the API: app, data centre, target and Authorization header. `callback` is where people may be sent back to.
    """

    def __init__(self, context):
        self.apps = {}
        self.callback = None
        self.faults, self.calls = [], []
        self._codes, self._grants = {}, []
        self._server = Server(context, self)
        self.origin = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def declaration(self, app, text):
        """The text of an app's file, with this server's URLs in place of the app's own."""
        lines, centre = [], None
        for line in text.splitlines():
            match = CENTRE.fullmatch(line)
            centre = match[1] if match else centre
            replaced = URL.sub(lambda url, at=centre: f'{url[1]} = "{self.base(app, at, url[1])}"', line)
            lines.append(re.sub(r'^suffix = ".+"', 'suffix = ".0.0.1"', replaced))
        return "\n".join(lines)

    def add(self, provider):
        """Serve an app; `provider` is its declaration as it is shipped."""
        self.apps[provider.name] = provider

    def base(self, app, centre, key):
        return f"{self.origin}/{app}/{centre}/{key}"

    def client(self, name):
        # With characters that stand for others in forms and in headers.
        return {"client_id": f"client of {name}", "client_secret": f"{name}: a+b%2F/ä=&"}

    def fact(self, app, name):
        """What the app tells about whose account was connected."""
        return f"the {name} of {app.name}"

    def end(self, authorization):
        """Accept an access token no longer."""
        grant, token = self._found(authorization)
        grant.access.discard(token)

    def accepts(self, authorization):
        return self._found(authorization) is not None

    def answer(self, method, target, headers, body):
        """Status, further headers and document of the answer to a request."""
        try:
            return self._answered(method, target, headers, body)
        except Refused as refused:
            self.faults.append(str(refused))
            return 400, {}, {"error": "invalid_request"}

    def _answered(self, method, target, headers, body):
        name, centre, key, rest = re.fullmatch(r"/([^/]+)/([^/]+)/([a-z]+)(/.*)", target).groups()
        app, path, query = self.apps[name], rest.partition("?")[0], dict(parse_qsl(urlsplit(rest).query))
        tokens = "tokens" if app.data_centres[centre].tokens else "accounts"
        if (method, key, path) == ("GET", "accounts", app.authorize_path):
            return 302, {"Location": self._decided(app, centre, query)}, None
        if (method, key, path) == ("POST", tokens, app.token_path):
            return 200, {}, self._exchanged(app, centre, headers, body)
        if (method, key, path) == ("POST", tokens, app.revoke_path):
            return 200, {}, self._revoked(app, headers, body)
        if key == ("instance" if app.instance else "api"):
            return self._called(app, centre, rest, headers)
        raise Refused(f"{method} {target}: nothing is there")

    def _decided(self, app, centre, asked):
        """Where a person who agreed to all is sent back to."""
        state, challenge = asked.pop("state", ""), asked.pop("code_challenge", None)
        expected = {
            "response_type": "code",
            "client_id": self.client(app.client_name)["client_id"],
            "redirect_uri": self.callback,
            **({"scope": app.scope_separator.join(ticked(app))} if app.scopes else {}),
            **({"code_challenge_method": "S256"} if app.pkce else {}),
            **app.authorize_params,
        }
        _require(asked == expected, f"{app.name} was asked for {asked}, not {expected}")
        _require((challenge is not None) == app.pkce and state, f"{app.name} was asked without state or PKCE")
        elsewhere = app.client_name == "zoho"
        code, at = secrets.token_hex(8), HOME if elsewhere else centre
        self._codes[code] = (app.name, at, challenge)
        told = {"location": at, "accounts-server": self.base(app.name, at, "accounts")} if elsewhere else {}
        return f"{self.callback}?{urlencode({'code': code, 'state': state, **told})}"

    def _exchanged(self, app, centre, headers, body):
        asked = self._proven(app, headers, body, in_body=True)
        if asked.pop("grant_type", None) == "refresh_token":
            held = [grant for grant in self._grants if grant.refresh == asked.get("refresh_token")]
            _require(app.refreshes and held, f"{app.name} was asked for a token with {asked}")
            grant = held[0]
        else:
            code, verifier = asked.pop("code", None), asked.pop("code_verifier", None)
            _require(
                asked == {"redirect_uri": self.callback}, f"{app.name} was asked for tokens with {asked}"
            )
            name, at, challenge = self._codes.pop(code, (None, None, None))
            _require((name, at) == (app.name, centre), f"{app.name} has no such code in {centre}")
            _require(challenge == _s256(verifier), f"{app.name} was sent a wrong verifier")
            grant = Grant(app.name, centre, secrets.token_hex(8) if app.refreshes else None)
            self._grants.append(grant)
        return self._minted(app, grant)

    def _minted(self, app, grant):
        token = secrets.token_hex(8)
        grant.access.add(token)
        document = {
            "access_token": token,
            "token_type": "Bearer",
            "scope": app.scope_separator.join(ticked(app)),
        }
        if app.refreshes:
            document |= {"expires_in": 3600, "refresh_token": grant.refresh}
        if app.instance:
            document[app.instance.key] = self.base(app.name, grant.centre, "instance")
        return self._told(app, None, document)

    def _revoked(self, app, headers, body):
        asked = self._proven(app, headers, body, in_body=False)
        held = [grant for grant in self._grants if asked.get("token") in {grant.refresh, *grant.access}]
        _require(asked.keys() == {"token"} and held, f"{app.name} was asked to revoke {asked}")
        self._grants.remove(held[0])
        return {}

    def _called(self, app, centre, target, headers):
        authorization = headers.get("Authorization", "")
        self.calls.append((app.name, centre, target, authorization))
        grant = self._found(authorization)
        if app.method == "OAUTH2" and (grant is None or grant[0].centre != centre):
            return 401, {}, {"code": "INVALID_TOKEN"}
        for identity in app.identity:
            if identity.path == target:
                lacking = {k: v for k, v in identity.headers.items() if headers.get(k) != v}
                _require(not lacking, f"{app.name} was asked who it is without {lacking}")
                return 200, {}, self._told(app, target, None)
        return 200, {}, {"target": target}

    def _told(self, app, path, document):
        """A document that tells what the declaration looks for there."""
        for identity in app.identity:
            for name, place in identity.facts.items() if identity.path == path else ():
                document = _grown(document, place.split("."), self.fact(app, name))
        return document

    def _found(self, authorization):
        for grant in self._grants:
            for token in grant.access:
                if authorization == self.apps[grant.app].authorization.replace("{access_token}", token):
                    return grant, token
        return None

    def _proven(self, app, headers, body, *, in_body):
        """What is asked for, once the client has proven itself in the declared way, and in no other."""
        as_json = headers.get("Content-Type") == "application/json"
        _require(as_json == (app.token_body == "json"), f"{app.name} was sent {headers.get('Content-Type')}")
        asked = json.loads(body) if as_json else dict(parse_qsl(body.decode()))
        client = self.client(app.client_name)
        credentials = {key: asked.pop(key) for key in client if key in asked}
        if app.token_auth == "basic":
            _require(not credentials, f"{app.name} was sent a secret in the body")
            credentials = _basic(headers.get("Authorization", ""))
        elif not in_body:
            credentials = credentials or client
        _require(credentials == client, f"{app.name} was asked by somebody else")
        return asked


def _require(holds, otherwise):
    if not holds:
        raise Refused(otherwise)


def _s256(verifier):
    if verifier is None:
        return None
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _basic(header):
    pair = base64.b64decode(header.removeprefix("Basic ")).decode()
    halves = [unquote(half) for half in pair.partition(":")[::2]]
    _require(":".join(quote(half, safe="") for half in halves) == pair, "a proof was not form-encoded")
    return dict(zip(("client_id", "client_secret"), halves, strict=True))


def _grown(document, steps, value):
    """A document with a value at a place of it."""
    if not steps:
        return value
    step, *rest = steps
    if step.isdecimal():
        return [_grown(document[0] if document else None, rest, value)]
    return {**(document or {}), step: _grown((document or {}).get(step), rest, value)}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context, provider):
        super().__init__(("127.0.0.1", 0), Handler)
        self.context, self.provider = context, provider

    def finish_request(self, request, client_address):
        # Here, in the connection's own thread, so that nobody who is slow keeps others waiting.
        with self.context.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_):
        pass

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, document = self.server.provider.answer(self.command, self.path, self.headers, body)
        content = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815
