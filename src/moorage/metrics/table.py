"""The table of all metrics: their names, labels and meanings. Values of labels are few, and never ids or paths."""

from typing import Literal, TypeAlias

import msgspec

# Whether the numbers of several processes are added, or the highest counts.
Over: TypeAlias = Literal["sum", "max"]

# Upper ends in seconds. Calls to the embedded CRM take less than a millisecond, and an app may take a minute.
TIMES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metric(msgspec.Struct, frozen=True):
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    labels: tuple[str, ...] = ()
    over: Over = "sum"


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "counter", meaning, labels)


def _gauge(name: str, meaning: str, *labels: str, over: Over = "sum") -> Metric:
    return Metric(name, "gauge", meaning, labels, over)


def _times(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "histogram", meaning, labels)


REQUESTS = "moorage_requests_total"
ERRORS = "moorage_gateway_errors_total"
DECISIONS = "moorage_policy_decisions_total"
WHOLE_TIME = "moorage_request_duration_seconds"
APP_TIME = "moorage_app_duration_seconds"
OWN_TIME = "moorage_gateway_duration_seconds"

METRICS = (
    _counter(
        REQUESTS,
        "Calls to apps that have ended, by what they do (class), by their status (2xx, none without an answer),"
        " and by who has answered (upstream or gateway).",
        "app", "class", "status", "source",
    ),
    _counter(ERRORS, "Calls that the gateway has ended, by the code of its error.", "app", "code"),
    _counter(DECISIONS, "Calls by what the policy of their key has decided.", "app", "decision"),
    _counter("moorage_unknown_key_requests_total", "Calls to apps with a key that is not known."),
    _counter("moorage_answers_total", "Requests that were answered, of the gateway and the CRM, of all kinds."),
    _times(WHOLE_TIME, "Seconds from the head of a call to the end of its answer.", "app"),
    _times(APP_TIME, "Seconds of these in which the app had the call, and had not begun to answer.", "app"),
    _times(OWN_TIME, "The rest of these seconds: the gateway, and bodies on their way.", "app"),
    _counter(
        "moorage_token_refreshes_total",
        "Attempts to renew a token: ok, refused (sign in again), failed, or limited by Moorage itself.",
        "app", "result",
    ),
    _counter("moorage_token_mints_total", "Tokens that accounts servers have made.", "app"),
    _gauge("moorage_mint_window_tokens", "Tokens of the last ten minutes from one refresh token, at most."),
    _gauge("moorage_connections", "Connections, by status.", "app", "status"),
    _gauge("moorage_approvals_waiting", "Calls that wait for a person."),
    _gauge(
        "moorage_jobs",
        "Jobs in the background: waiting (due now), running, later (put off), failed (given up).",
        "state",
    ),
    _gauge("moorage_outbox_lag_seconds", "Seconds for which the oldest notification has waited.", over="max"),
    _gauge("moorage_next_key_end_timestamp_seconds", "When the next API key ends, since the epoch."),
    _gauge("moorage_vault_locked", "1 if the vault's key does not decrypt what is stored."),
    _gauge("moorage_database_up", "1 if the control database could be read in time for this answer."),
    _gauge("moorage_request_log_waiting", "Calls that wait to be written to the request log."),
    _counter("moorage_request_log_dropped_total", "Calls that the request log has lost."),
    _gauge("moorage_open_connections", "Open connections of clients."),
    _gauge("moorage_memory_bytes", "Resident memory of a process. Forks share some of it.", "worker"),
    _gauge("moorage_open_files", "Open files and sockets of a process.", "worker"),
    _gauge("moorage_start_timestamp_seconds", "When a process has started, since the epoch.", "worker"),
    _counter("moorage_cpu_seconds_total", "CPU time."),
    _gauge("moorage_build_info", "Always 1.", "version", "python", over="max"),
)  # fmt: skip

BY_NAME = {metric.name: metric for metric in METRICS}
