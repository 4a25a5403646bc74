"""The scopes that exist, and what each means in plain words on the consent page."""

from moorage.crm.wire.scopes import ScopeSet

MAX_TEXT = 4096  # Characters: about two hundred scopes.

_VERBS = {
    "all": "Read, add, change and delete",
    "read": "Read",
    "create": "Add",
    "update": "Change",
    "write": "Add and change",
    "delete": "Delete",
}
# The subject of each group of Zoho's published scopes, without and with a part. A part is what a longer scope names,
# such as Leads in ZohoCRM.modules.Leads.READ.
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
    """What a scope allows; None if Zoho has no such scope."""
    sentence = _WHOLE.get(scope.lower())
    if sentence is not None:
        return sentence
    parts = scope.lower().split(".")
    if len(parts) < 3:
        return None
    service, group, *part, operation = parts
    without_part, with_part = _GROUPS.get(f"{service}.{group}", (None, None))
    subject = with_part and with_part.format(part=part[0].replace("_", " ")) if part else without_part
    verb = _VERBS.get(operation)
    return f"{verb} {subject}" if verb and subject else None


def published(text: str) -> ScopeSet:
    """Read a list of scopes. Raises ValueError with the name of a scope that Zoho does not have."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"A list of scopes has {MAX_TEXT} characters at most.")
    scopes = ScopeSet.parse(text)
    for name in scopes.names:
        if in_words(name) is None:
            raise ValueError(f"There is no scope {name!r}; `moorage help crm` lists the scopes of each call.")
    return scopes
