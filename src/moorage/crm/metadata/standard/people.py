"""The organisation itself, and its roles, profiles and users."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.ids import zgid_of
from moorage.crm.metadata.standard.blueprint_draft import BlueprintDraft
from moorage.crm.metadata.standard.spec import OrganisationSpec, Person
from moorage.crm.metadata.standard.standard_modules import standard

_VERBS = ("View", "Create", "Edit", "Delete")
_GENERAL = {
    "Crm_Implied_Customize_Zoho_CRM": "Customize CRM",
    "Crm_Implied_Manage_Users": "Manage Users",
    "Crm_Implied_Manage_Profiles": "Manage Profiles",
    "Crm_Implied_Api_Access": "API Access",
}
# The permissions of a standard profile that are not for records.
_EVERYONE = {"Crm_Implied_Api_Access"}


def add_organisation(draft: BlueprintDraft, spec: OrganisationSpec) -> None:
    if not spec.users:
        raise ValueError("an organisation needs at least one user")
    draft.add("org", spec.name, _organisation(draft, spec))
    roles = _add_roles(draft)
    profiles = _add_profiles(draft)
    _add_users(draft, spec, roles, profiles)


def _organisation(draft: BlueprintDraft, spec: OrganisationSpec) -> Body:
    identity = draft.new_id(fixed_ids.ORGANISATION)
    zgid = zgid_of(int(identity))
    return {
        "id": identity,
        "company_name": spec.name,
        "alias": None,
        "domain_name": f"org{zgid}",
        "zgid": zgid,
        "primary_email": spec.users[0].email,
        "primary_zuid": _zuid(draft, 0),
        **dict.fromkeys(("phone", "mobile", "fax"), None),
        "phone": spec.phone,
        "website": f"https://www.{spec.domain}",
        **dict.fromkeys(("street", "city", "state", "zip", "description", "photo_id", "zia_portal_id"), None),
        "country": spec.country,
        "country_code": spec.country_code,
        "employee_count": str(len(spec.users)),
        "currency": f"{spec.currency.name} - {spec.currency.code}",
        "currency_symbol": spec.currency.symbol,
        "currency_locale": spec.currency.code,
        "iso_code": spec.currency.code,
        "time_zone": spec.time_zone,
        "type": "production",
        "created_time": draft.created,
        **dict.fromkeys(_SWITCHES, False),
        "hierarchy_preferences": {"type": "Role_Hierarchy", "strictly_reporting": None},
        "license_details": {
            "paid": True,
            "paid_type": "enterprise",
            "paid_expiry": None,
            "users_license_purchased": max(10, len(spec.users)),
            "portal_users_license_purchased": 0,
            "trial_type": None,
            "trial_action": None,
            "trial_expiry": None,
        },
    }


_SWITCHES = (
    "mc_status",
    "gapps_enabled",
    "translation_enabled",
    "privacy_settings",
    "hipaa_compliance_enabled",
    "lite_users_enabled",
    "deletable_org_account",
)


def _add_roles(draft: BlueprintDraft) -> dict[str, Body]:
    """References to roles by name; a role comes after the role that it reports to."""
    references: dict[str, Body] = {}
    for role in standard().roles:
        reference = {"name": role["name"], "id": draft.new_id(fixed_ids.ROLES.get(role["name"]))}
        references[role["name"]] = reference
        body = {
            "id": reference["id"],
            "name": role["name"],
            "display_label": role["display_label"],
            "api_name": role["api_name"],
            "share_with_peers": role["share_with_peers"],
            "admin_user": role["admin_user"],
            "description": role["description"],
            "reporting_to": references[role["reporting_to"]] if role["reporting_to"] else None,
            "forecast_manager": None,
            "created_by__s": None,
            "modified_by__s": None,
            "created_time__s": None,
            "modified_time__s": None,
        }
        draft.add("role", role["name"], body)
    return references


def _add_profiles(draft: BlueprintDraft) -> dict[str, Body]:
    """References to profiles by name. The ids of permissions are the same in all profiles."""
    bodies = [
        {"id": draft.new_id(fixed_ids.PROFILES.get(profile["name"])), **_profile(profile)}
        for profile in standard().profiles
    ]
    permissions = _permissions(draft)
    for body in bodies:
        everything = body["name"] == "Administrator"
        body["permissions_details"] = [
            {**p, "enabled": everything or p["module"] is not None or p["name"] in _EVERYONE}
            for p in permissions
        ]
        draft.add("profile", body["name"], body)
    return {body["name"]: {"name": body["name"], "id": body["id"]} for body in bodies}


def _profile(profile: dict[str, Any]) -> Body:
    return {
        "name": profile["name"],
        "display_label": profile["display_label"],
        "api_name": profile["api_name"],
        "type": profile["type"],
        "custom": profile["custom"],
        "category": profile["category"],
        "default": profile["default"],
        "description": profile["description"],
        "created_time": None,
        "modified_time": None,
        "created_by": None,
        "modified_by": None,
    }


def _permissions(draft: BlueprintDraft) -> list[Body]:
    modules = [module.api_name for module in standard().modules if module.generated_type == "default"]
    names: list[tuple[str, str, str | None]] = [
        (f"Crm_Implied_{verb}_{module}", verb, module) for module in modules for verb in _VERBS
    ]
    names += [(name, label, None) for name, label in _GENERAL.items()]
    return [
        {
            "id": draft.new_id(),
            "name": name,
            "display_label": label,
            "module": module,
            "customizable": True,
        }
        for name, label, module in names
    ]


def _add_users(
    draft: BlueprintDraft, spec: OrganisationSpec, roles: dict[str, Body], profiles: dict[str, Body]
) -> None:
    ids = [draft.new_id(None if ordinal else fixed_ids.FIRST_USER) for ordinal in range(len(spec.users))]
    founder = {"name": _full_name(spec.users[0]), "id": ids[0]}
    settings = _regional_settings(spec)
    for ordinal, (id_, person) in enumerate(zip(ids, spec.users, strict=True)):
        body = {
            "id": id_,
            "full_name": _full_name(person),
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "zuid": _zuid(draft, ordinal) if person.confirmed else None,
            "status": person.status,
            "confirm": person.confirmed,
            "role": _standard("role", roles, person.role),
            "profile": _standard("profile", profiles, person.profile),
            "created_by": founder,
            "Modified_By": founder,
            "created_time": draft.created,
            "Modified_Time": draft.created,
            "Reporting_To": None if ordinal == 0 else founder,
            **settings,
        }
        draft.add("user", body["full_name"], body)


def _regional_settings(spec: OrganisationSpec) -> Body:
    return {
        "country": spec.country_code,
        "country_locale": spec.country_code,
        "locale": f"en_{spec.country_code}",
        "time_zone": spec.time_zone,
        "offset": standard_offset(spec.time_zone),
    }


def regional_settings_of(user: Body) -> Body:
    """The regional settings of a user, for another one."""
    return {name: user[name] for name in ("country", "country_locale", "locale", "time_zone", "offset")}


def standard_offset(time_zone: str) -> int:
    """The zone's distance from UTC outside of daylight saving, in milliseconds."""
    # Either January or July is outside of daylight saving time.
    zone = ZoneInfo(time_zone)
    moments = [datetime(2024, month, 1, tzinfo=zone) for month in (1, 7)]
    moment = next((m for m in moments if not m.dst()), moments[0])
    return (moment.utcoffset() or timedelta()) // timedelta(milliseconds=1)


def _full_name(person: Person) -> str:
    return f"{person.first_name} {person.last_name}".strip()


def _zuid(draft: BlueprintDraft, ordinal: int) -> str:
    return str(draft.prefix * 1000 + ordinal)


def _standard(what: str, known: dict[str, Body], name: str) -> Body:
    if name not in known:
        raise ValueError(f"no {what} is called {name!r}; there are: {', '.join(known)}")
    return known[name]
