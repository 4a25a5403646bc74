"""The audit: an entry for each change of what rules an account, which nobody can change or remove unnoticed.

A room notes a change in the transaction that makes it: `await note(tx, "key.revoked", key.id, account=…, before=…,
after=…)`, or `note_change` for the members that differ. Who did it, and from where, the entry takes from `acting.py`.
Entries never hold a secret.
"""

from moorage.audit.notes import note, note_change

__all__ = ["note", "note_change"]
