"""The tools of the profile `crm`, before a CRM in a temporary folder. Nothing but the gateway's door is left out."""

import asyncio
import json

import jsonschema
import msgspec
import pytest

from moorage.http.inside import InsideAnswer
from moorage.http.message import Parts, Request
from moorage.keys.model import Principal
from moorage.mcp.accounts import Accounts
from moorage.mcp.crm import PROFILE
from moorage.mcp.memory import Memory
from moorage.mcp.rights import Rights
from moorage.mcp.session import Session
from tests.crm.conftest import (  # noqa: F401 (fixtures)
    begin,
    beginnings,
    clock,
    copies,
    crm,
    demo,
    quick_hashes,
    service,
    storage_kind,
)


class Door:
    """Takes calls of tools to a CRM, as the caller of a test. `made` are the calls, and `answers` is played before."""

    def __init__(self, caller):
        self.caller = caller
        self.made = []
        self.answers = []

    async def call(self, method, target, headers, body, *, client, most):
        path, _, query = target.removeprefix("/zoho-crm").partition("?")
        self.made.append((method, path))
        self.headers = dict(headers)
        self.body = json.loads(body) if body else None
        if self.answers:
            status, document = self.answers.pop(0)
            played = document if isinstance(document, bytes) else json.dumps(document).encode()
            return InsideAnswer(status, [], played)
        signed = [(b"authorization", b"Zoho-oauthtoken " + self.caller.token.encode())]
        request = Request(
            method=method, path=path.encode(), query=query.encode(), headers=signed, body=body or b""
        )
        answer = self.caller.service.answer(request)
        response = await answer if hasattr(answer, "__await__") else answer
        body = response.body
        if isinstance(body, Parts):
            body = b"".join([part async for part in body.parts])
        return InsideAnswer(
            response.status, [(name.lower(), value) for name, value in response.headers], body
        )


class Tools:
    """Calls tools by name; gives what they tell. Each result is held against the schema of its tool."""

    def __init__(self, door):
        self.door = door
        self.memory = Memory()
        self.key = "key"

    def __call__(self, name, **arguments):
        tool = PROFILE.by_name[name]
        session = Session(
            Principal(self.key, "team"),
            "Bearer x",
            self.door,
            Rights(None, None),
            ("127.0.0.1", 1),
            {},
            Accounts(None, None),
            memory=self.memory,
        )
        told = asyncio.run(tool.run(session, tool.asked(arguments)))
        self.data = msgspec.json.decode(msgspec.json.encode(told.data))
        jsonschema.validate(self.data, tool.output_schema)
        self.told = told
        return self.data

    def calls(self, name, **arguments):
        """The calls that a tool makes."""
        before = len(self.door.made)
        self(name, **arguments)
        return self.door.made[before:]


@pytest.fixture
def tools(demo):  # noqa: F811 (the fixture)
    """The tools, for an organisation with the sample records."""
    return Tools(Door(demo))
