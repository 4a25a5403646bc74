"""People: who signs in with a browser, what each of them may do, and their sessions.

A person is never an API key, and a key is never a person: no key opens these pages, and no session opens the API.
Other rooms take from here: `PersonSessions` of `people/sessions.py`, `Person` and `Permission`.
"""

from moorage.people.errors import PermissionMissing
from moorage.people.model import Permission, Person, Role

__all__ = ["Permission", "PermissionMissing", "Person", "Role"]
