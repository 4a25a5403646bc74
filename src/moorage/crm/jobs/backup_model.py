"""Backups: what one is asked for, how far it is, and what is remembered of all of them."""

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from moorage.crm.jobs.model import BulkJob
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.records import Transaction

KIND = "backup"
HISTORY = "backup history"
REMEMBERED = 365 * 24 * 3600  # Seconds.

# It waits for its time; is being made; is made, and its files are kept.
Phase: TypeAlias = Literal["waiting", "reading", "kept"]


class BackupRequest(Struct, frozen=True):
    """Without a rule, it is made at once and one time. `first` is when it is to be made for the first time."""

    rule: str | None = None
    first: int | None = None


class BackupProgress(Struct, frozen=True):
    """`planned` is the next time of a backup that recurs. The files of the last one are kept until `expiry`."""

    phase: Phase
    planned: int | None = None
    expiry: int | None = None
    is_stopped: bool = False


class Entry(Struct, frozen=True):
    """Something that happened: an action of a user, or the state in which a backup has ended."""

    user: int
    time: int
    repeats: str
    action: str | None = None
    state: str | None = None


def progress_of(job: BulkJob) -> BackupProgress:
    if job.progress is not None:
        return msgspec.convert(job.progress, BackupProgress)
    planned = request_of(job).first
    return BackupProgress("reading" if planned is None else "waiting", planned)


def request_of(job: BulkJob) -> BackupRequest:
    return msgspec.convert(job.request, BackupRequest)


def is_over(job: BulkJob) -> bool:
    """Whether nothing more is to be read for it."""
    return job.has_ended or progress_of(job).phase == "kept"


def repeats(rule: str | None) -> str:
    """The word of [Z backup-history] for how often it is made."""
    if rule is None:
        return "immediate"
    if "FREQ=MONTHLY" in rule:
        return "monthly"
    return "biweekly" if "INTERVAL=2;" in f"{rule};" else "weekly"


def note(
    transaction: Transaction, job: BulkJob, *, action: str | None = None, state: str | None = None
) -> None:
    """Remember what has happened, and forget what is older than a year."""
    oldest = transaction.now - REMEMBERED
    entries = transaction.companions.of(HISTORY, [0]).get(0, [])
    transaction.companions.remove([each.id for each in entries if entry_of(each).time < oldest])
    entry = Entry(job.user, transaction.now, repeats(request_of(job).rule), action, state)
    body: Any = msgspec.to_builtins(entry)
    transaction.companions.put([Companion(transaction.new_ids(1)[0], HISTORY, body=body)])


def entry_of(companion: Companion) -> Entry:
    return msgspec.convert(companion.body, Entry)
