"""Profiles: list, and get with the permissions [Z get-profiles]."""

from typing import Any

from moorage.crm.api.documents import document_in_path, encoded_once
from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_LICENSE_LIMIT = 25  # How many profiles an organisation may have.


def list_profiles(call: Call) -> Response:
    return encoded_once(call, "profiles", lambda: _list(call))


def get_profile(call: Call) -> Response:
    profile = document_in_path(call, "profile", 2)
    if profile is None:
        return no_content()
    return encoded_once(call, profile.id, lambda: {"profiles": [_whole(profile.body)]})


def _list(call: Call) -> dict[str, Any]:
    bodies = [profile.body for profile in call.organisation.metadata.all("profile")]
    brief = [{key: body[key] for key in body if key != "permissions_details"} for body in bodies]
    return {"profiles": brief, "info": {"license_limit": _LICENSE_LIMIT}}


def _whole(body: dict[str, Any]) -> dict[str, Any]:
    permissions = body["permissions_details"]
    modules = dict.fromkeys(p["module"] for p in permissions if p["module"])
    basic = [_category(name, permissions, name) for name in modules]
    general = _category("Administration", permissions, None)
    sections = [
        {"name": "Basic Permissions", "categories": basic},
        {"name": "Administrative Permissions", "categories": [general]},
    ]
    return {**body, "sections": sections}


def _category(name: str, permissions: list[dict[str, Any]], module: str | None) -> dict[str, Any]:
    ids = [p["id"] for p in permissions if p["module"] == module]
    return {"name": name, "display_label": name, "permissions_details": ids, "module": module}


_READ = ("ZohoCRM.settings.profiles.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/profiles", list_profiles, _READ),
    Route("GET", "/crm/v8/settings/profiles/{id}", get_profile, _READ),
)
