"""Scopes in plain words, as the consent page shows them; and which scopes there are."""

from moorage.crm.wire.scopes import ScopeSet

MAX_TEXT = 4096  # Some two hundred scopes.

_VERBS = {
    "all": "Read, add, change and delete",
    "read": "Read",
    "create": "Add",
    "update": "Change",
    "write": "Add and change",
    "delete": "Delete",
}
# What each group of Zoho's published scopes is about. `{part}` is the part of it that a longer scope names.
_GROUPS = {
    "zohocrm.modules": ("records of every module", "records of the module “{part}”"),
    "zohocrm.settings": ("all settings, such as fields and layouts", "settings: {part}"),
    "zohocrm.users": ("users", None),
    "zohocrm.org": ("the organisation's own data", "the organisation's own data: {part}"),
    "zohocrm.bulk": ("records in bulk", "bulk jobs: {part}"),
    "zohocrm.coql": ("records by queries", None),
    "zohocrm.notifications": ("notifications about changed records", None),
    "zohocrm.files": ("files", None),
    "zohocrm.share": (None, "who shares records of “{part}”"),
    "zohocrm.mass_update": (None, "many records of “{part}” at once"),
    "zohocrm.mass_delete": (None, "many records of “{part}” at once"),
    "zohocrm.mass_convert": (None, "conversions of many records of “{part}”"),
    "zohocrm.change_owner": ("owners of records", None),
    "zohocrm.templates": (None, "templates: {part}"),
    "zohocrm.send_mail": (None, "e-mails from records of “{part}”"),
    "zohocrm.features": ("which features are switched on", None),
    "zohocrm.zia": (None, "assistance: {part}"),
    "zohocrm.apis": ("which calls the API has", None),
    "zohofiles.files": ("files in the file store", None),
    "aaaserver.profile": ("your name and e-mail address", None),
}
_WHOLE = {
    "openid": "Know that it is you who signed in",
    "profile": "See your name",
    "email": "See your e-mail address",
    "zohocrm.composite_requests.custom": "Put several calls into one",
    "zohosearch.securesearch.read": "Search records",
}


def in_words(scope: str) -> str | None:
    """What a scope allows, None when Zoho has no such scope."""
    whole = _WHOLE.get(scope.lower())
    if whole is not None:
        return whole
    parts = scope.lower().split(".")
    if len(parts) < 3:
        return None
    service, group, *part, operation = parts
    general, particular = _GROUPS.get(f"{service}.{group}", (None, None))
    about = general if not part else particular and particular.format(part=part[0].replace("_", " "))
    verb = _VERBS.get(operation)
    return f"{verb} {about}" if verb and about else None


def published(text: str) -> ScopeSet:
    """Read a list of scopes. Raises ValueError naming what is no scope, or none that Zoho has."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"A list of scopes has {MAX_TEXT} characters at most.")
    scopes = ScopeSet.parse(text)
    for name in scopes.names:
        if in_words(name) is None:
            raise ValueError(f"There is no scope {name!r}; `moorage help crm` lists those that calls need.")
    return scopes
