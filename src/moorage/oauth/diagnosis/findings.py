"""Findings about a connection's health: each has a cause, the evidence for it, and a fix.

This module asks no server: `service.py` has collected all facts before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from moorage.connections.model import Connection
from moorage.oauth.apps.destinations import Destination
from moorage.oauth.apps.providers import Provider
from moorage.oauth.tokens.renewal import BUDGET, WINDOW, TokenState
from moorage.oauth.transport.authorization_server import agreed, error_code_of
from moorage.oauth.transport.contract import HttpReply
from moorage.oauth.transport.refusal_codes import OF_THE_CLIENT, REASONS, RECONNECT, SCOPE_MISMATCH, reason
from moorage.vault.errors import VaultLocked

SKEW = 120.0  # If two clocks differ by more seconds, that is a finding.

Severity: TypeAlias = Literal["ok", "warning", "problem"]
Side: TypeAlias = Literal["accounts", "api"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`fix` is None if nothing has to be done. No part of a finding holds a secret."""

    code: str
    severity: Severity
    cause: str
    evidence: str
    fix: str | None = None

    def without(self, secrets: Sequence[str]) -> "Finding":
        """The same finding without these texts, in case the other side has sent one of them back."""
        shown = [self.code, self.cause, self.evidence, self.fix or ""]
        for secret in secrets:
            shown = [text.replace(secret, "…") for text in shown]
        code, cause, evidence, fix = shown
        return Finding(code, self.severity, cause, evidence, fix or None)


@dataclass(frozen=True, slots=True)
class Probe:
    """One request to a server: its reply, or the reason for its silence, and when that was `at` our clock."""

    side: Side
    url: str
    at: float
    reply: HttpReply | None = None
    silence: str = ""
    with_token: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "the embedded CRM"

    @property
    def evidence(self) -> str:
        """The request and its result, as a sentence."""
        if self.reply is None:
            return self.silence
        code = error_code_of(self.reply)
        asked = f"GET {self.url} {'with' if self.with_token else 'without'} the token"
        return f"{asked} was answered with {self.reply.status}{f' {code}' if code else ''}."


@dataclass(frozen=True, slots=True)
class Case:
    """All collected facts. `tokens` is None if the vault is locked; `fault` is a code if there is no `destination`."""

    connection: Connection
    provider: Provider
    now: float
    destination: Destination | None
    fault: str | None
    tokens: TokenState | None
    has_client: bool
    probes: Sequence[Probe]

    @property
    def is_spent(self) -> bool:
        """Whether there is no token, or the token has expired."""
        return self.tokens is None or self.tokens.usable(self.now) is None


def findings(case: Case) -> list[Finding]:
    """All findings, the most general first; a single `ok` if nothing is wrong."""
    connection = case.connection
    found = [*_of_status(case), *_of_destination(case)]
    if connection.status == "ACTIVE":
        found += [*_of_tokens(case), *_of_scopes(connection)]
    for probe in case.probes:
        found += _of_probe(case, probe)
    found += _of_clocks(case.probes)
    return found or [_well(case)]


def _of_status(case: Case) -> Iterator[Finding]:
    connection, code = case.connection, None
    if connection.status == "PENDING":
        evidence = f"It is PENDING since {when(connection.created / 1_000_000)}."
        fix = "Open the connection's url and connect it."
        yield Finding("not_connected", "warning", "Nobody has connected it yet.", evidence, fix)
    if connection.status == "FAILED":
        code = str(connection.metadata.get("reason", "unknown"))
        meaning = reason(code)
        evidence = f"It is FAILED since {when(connection.updated / 1_000_000)}; the reason noted is {code}."
        if code == case.fault:  # The reason why it failed still holds. It is reported once.
            evidence = f"{evidence} {_leads_to(connection)}"
        yield Finding(code, "problem", meaning.cause, evidence, meaning.fix)
    if case.fault is not None and case.fault != code:
        meaning = reason(case.fault)
        yield Finding(case.fault, "problem", meaning.cause, _leads_to(connection), meaning.fix)


def _leads_to(connection: Connection) -> str:
    """Where a connection leads whose destination no longer exists."""
    upstream = connection.upstream
    where = (upstream.organisation or upstream.data_centre) if upstream is not None else None
    told = connection.metadata.get("data_centre", "nothing")
    return f"It leads to {where}; of its data centre, metadata says {told}."


def _of_destination(case: Case) -> Iterator[Finding]:
    destination, provider = case.destination, case.provider
    if destination is not None and not destination.embedded and len(provider.data_centres) > 1:
        yield from _of_centre(case, destination)
    if case.has_client:
        return
    cause = "There is no OAuth client for the data centre, so the connection can't get a new token."
    where, option = "", ""
    if destination is not None:
        where, option = (
            f" in {destination.centre}, nor for all data centres",
            f" --data-centre {destination.centre}",
        )
    evidence = f"None is kept for {provider.client_name}{where}."
    fix = f"Register one in the app's developer console and keep it: `moorage client set {provider.name}{option}`."
    yield Finding("oauth_client_missing", "problem", cause, evidence, fix)


def _of_centre(case: Case, destination: Destination) -> Iterator[Finding]:
    """Whether calls go to another data centre than the one that the tokens come from."""
    centres = case.provider.data_centres
    leads = [key for key, centre in centres.items() if destination.upstream.base_url in centre.apis.values()]
    told = case.connection.metadata.get("data_centre", destination.centre)
    if leads and not {destination.centre, told} <= set(leads):
        evidence = (
            f"Calls go to {urlsplit(destination.api).hostname} ({', '.join(leads)}), tokens come from"
            f" {urlsplit(destination.tokens).hostname} ({destination.centre}), metadata says {told}."
        )
        cause = "Calls go to another data centre than the one that the tokens come from."
        yield Finding("wrong_data_centre", "problem", cause, evidence, RECONNECT)


def _of_tokens(case: Case) -> Iterator[Finding]:
    tokens = case.tokens
    urgency: Severity = "problem" if case.is_spent else "warning"
    if tokens is None:
        locked = VaultLocked()
        evidence = "The connection's secrets in the vault could not be opened."
        yield Finding(locked.code, "problem", locked.message, evidence, locked.help)
    elif tokens.access is None:
        cause = "The connection holds no token."
        yield Finding("token_missing", "problem", cause, "The vault keeps no token of it.", RECONNECT)
    elif tokens.refresh is None and tokens.access.expires_at is not None:
        meaning = reason("no_refresh_token")
        evidence = (
            f"The vault keeps a token that expires at {when(tokens.access.expires_at)}, and no refresh token."
        )
        yield Finding("no_refresh_token", urgency, meaning.cause, evidence, meaning.fix)
    elif tokens.refresh is not None:
        yield from _of_renewal(case, tokens, urgency)


def _of_renewal(case: Case, tokens: TokenState, urgency: Severity) -> Iterator[Finding]:
    if tokens.lease.failures and case.has_client:
        failure = tokens.lease.failure or "unknown"
        code = failure if failure in REASONS else "accounts_silent"
        meaning = REASONS[code]
        evidence = (
            f"{_times(tokens.lease.failures)} in a row no new token could be got. The last reason: {failure}"
            f"{'' if failure.endswith('.') else '.'} The next try is possible at"
            f" {when(max(tokens.lease.retry_at, case.now))}."
        )
        # A client with wrong settings stays a problem, even while the present token still works.
        severity = "problem" if code in OF_THE_CLIENT else urgency
        yield Finding(code, severity, meaning.cause, evidence, meaning.fix)
    if len(tokens.mints) >= BUDGET:
        free = when(tokens.mints[-BUDGET] + WINDOW)
        evidence = f"{len(tokens.mints)} of {BUDGET} within ten minutes; another is possible at {free}."
        cause = "As many new tokens were asked for as the app allows in ten minutes."
        fix = "Wait until then. Each token that the app refuses costs another one: find out why it refuses them."
        yield Finding("refresh_limited", urgency, cause, evidence, fix)


def _of_scopes(connection: Connection) -> Iterator[Finding]:
    missing = connection.metadata.get("scopes_missing")
    if isinstance(missing, list) and missing:
        evidence = f"Not granted: {', '.join(str(scope) for scope in missing)}."
        meaning = REASONS[SCOPE_MISMATCH]
        yield Finding(
            "scopes_missing", "warning", "Less was granted than was asked for.", evidence, meaning.fix
        )


def _of_probe(case: Case, probe: Probe) -> Iterator[Finding]:
    is_api = probe.side == "api"
    who, loss = ("API", "calls fail") if is_api else ("accounts server", "no new token can be got")
    if probe.reply is None:
        fix = f"Find out why this machine can't reach {probe.host}: DNS, firewall, certificates, or the host itself."
        cause = f"The {who} can't be reached, so {loss}."
        yield Finding(f"{probe.side}_unreachable", "problem", cause, probe.evidence, fix)
    elif probe.reply.status >= 500:
        severity: Severity = "problem" if is_api else "warning"
        fix = "Wait, or see what the app says about its state."
        yield Finding(f"{probe.side}_failing", severity, f"The {who} has trouble.", probe.evidence, fix)
    elif probe.reply.status == 429:
        cause = f"The {who} gets too many requests."
        fix = "Wait, and make fewer calls at a time. The app's documentation says how many it allows."
        yield Finding("throttled", "warning", cause, probe.evidence, fix)
    elif probe.with_token and (probe.reply.status == 401 or _says_no(probe.reply)):
        yield _refused(case, probe)
    elif probe.with_token and probe.reply.status >= 300:
        cause = "The API accepts the token, but does not answer the call that tried it."
        fix = "See what the app's documentation says about the answer."
        yield Finding("call_refused", "warning", cause, probe.evidence, fix)


def _says_no(reply: HttpReply) -> bool:
    """Whether the reply is a refusal although its status says success."""
    return reply.status < 300 and not agreed(reply)


def _refused(case: Case, probe: Probe) -> Finding:
    """The finding for an API that refuses a token which has not expired."""
    said = error_code_of(probe.reply) if probe.reply is not None else None
    if said == SCOPE_MISMATCH:
        meaning = REASONS[SCOPE_MISMATCH]
        return Finding(SCOPE_MISMATCH, "warning", meaning.cause, probe.evidence, meaning.fix)
    code = said if said in REASONS else "INVALID_TOKEN"
    meaning, evidence = REASONS[code], probe.evidence
    if case.destination is not None and not case.destination.embedded and len(case.provider.data_centres) > 1:
        told = case.connection.metadata.get("data_centre", "nothing")
        evidence += (
            f" The connection leads to the data centre {case.destination.centre}, metadata says {told}; a token"
            " from another data centre would be refused in the same way."
        )
    fix = meaning.fix
    if case.tokens is not None and case.tokens.refresh is not None:
        fix = f"Make a call: a call that is refused renews the token, once. If the problem remains: {fix}"
    return Finding(code, "problem", meaning.cause, evidence, fix)


def _of_clocks(probes: Sequence[Probe]) -> Iterator[Finding]:
    apart = [
        f"{probe.host} says {when(probe.reply.date)}, this machine {when(probe.at)}"
        for probe in probes
        if probe.reply is not None
        and probe.reply.date is not None
        and abs(probe.reply.date - probe.at) > SKEW
    ]
    if apart:
        cause = "This machine's clock and the other side's clock differ."
        fix = "Set this machine's time from the network, for example with NTP."
        yield Finding("clock_skew", "warning", cause, f"{'; '.join(apart)}.", fix)


def _well(case: Case) -> Finding:
    """The finding that nothing is wrong, as far as could be seen."""
    tried = next((probe for probe in case.probes if probe.with_token), None)
    access = case.tokens.access if case.tokens is not None else None
    ends = access.expires_at if access is not None else None
    until = "The token does not expire." if ends is None else f"The token expires at {when(ends)}."
    if tried is not None:
        return Finding(
            "connected", "ok", "The app accepts the connection's token.", f"{tried.evidence} {until}"
        )
    if case.is_spent:
        cause = "The connection's token has expired, and the next call will renew it."
        return Finding("connected", "ok", cause, until)
    cause = "The connection holds a token, and the app has no call to try it with."
    return Finding("connected", "ok", cause, until)


def when(moment: float) -> str:
    """A time in seconds since the epoch, for people."""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):  # A year beyond the calendar.
        return "an impossible date"


def _times(number: int) -> str:
    return "Once" if number == 1 else f"{number} times"
