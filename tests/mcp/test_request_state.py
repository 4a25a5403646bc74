"""States that a client keeps, and the keys that seal them."""

import asyncio
from types import SimpleNamespace

import pytest
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import InputRequiredResult

from moorage.errors import MoorageError
from moorage.keys.model import Principal
from moorage.mcp.request_state import SealedStates
from moorage.mcp.routes import SESSION
from moorage.mcp.sealing import SealingKeys

OLD, NEW = b"o" * 32, b"n" * 32


def context(state=None, *, key="k", account=None, name="call_api", arguments=None):
    params = {"name": name, "arguments": arguments or {}} | ({} if state is None else {"requestState": state})
    session = SimpleNamespace(principal=Principal(key, "team"), account=account)
    return ServerRequestContext(
        session=None,
        lifespan_context=None,
        protocol_version="2026-07-28",
        method="tools/call",
        params=params,
        request=SimpleNamespace(scope={SESSION: session}),
    )


def sealing(*valid, current=None, audience="crm"):
    async def every():
        return valid

    return SealedStates(SealingKeys(lambda: current or valid[0], every), audience)


def sealed(states, **options):
    async def asks(_context):
        return InputRequiredResult(request_state="secret")

    return asyncio.run(states(context(**options), asks)).request_state


def opened(states, state, **options):
    async def shows(inner):
        return {"state": inner.params["requestState"]}

    return asyncio.run(states(context(state, **options), shows))["state"]


def test_a_state_outlasts_a_rotation():
    state = sealed(sealing(OLD))
    assert "secret" not in state
    assert opened(sealing(NEW, OLD), state) == opened(sealing(NEW, OLD, OLD), state) == "secret"
    assert sealed(sealing(NEW, OLD))[:9] != state[:9]
    with pytest.raises(MCPError, match="requestState"):
        opened(sealing(NEW), state)


@pytest.mark.parametrize(
    "options",
    [{"key": "other"}, {"account": "sales"}, {"name": "add_note"}, {"arguments": {"a": 1}}],
    ids=lambda options: next(iter(options)),
)
def test_a_state_is_of_use_only_to_the_same_call(options):
    state = sealed(sealing(OLD))
    with pytest.raises(MCPError, match="requestState"):
        opened(sealing(OLD), state, **options)


def test_a_state_of_another_profile_is_refused():
    with pytest.raises(MCPError, match="requestState"):
        opened(sealing(OLD, audience="maton"), sealed(sealing(OLD)))


def test_a_locked_vault_is_needed_only_for_states():
    def locked():
        raise MoorageError("The vault is locked.")

    async def nothing():
        locked()

    async def answers(_context):
        return {"content": []}

    states = SealedStates(SealingKeys(locked, nothing), "crm")
    assert asyncio.run(states(context(), answers)) == {"content": []}
    with pytest.raises(MCPError, match="locked"):
        opened(states, "x")
