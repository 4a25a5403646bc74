"""The embedded CRM: organisations, their modules and records, over Zoho CRM API v8. It knows nothing of the gateway.

This is its door: the names that other rooms use. Each is loaded at its first use, because commands need few of them,
and the whole CRM takes longer to load than most commands take.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moorage.crm.accounts.model import Client, User
    from moorage.crm.accounts.service import ACCESS_LIFETIME
    from moorage.crm.errors import OrganisationExists, OrganisationInvalid, OrganisationUnknown
    from moorage.crm.management import Management
    from moorage.crm.metadata.standard import DEMO, OrganisationSpec
    from moorage.crm.organisations.new import NewOrganisation
    from moorage.crm.organisations.service import OrganisationRow
    from moorage.crm.saving import WholeCrm
    from moorage.crm.service import CrmService
    from moorage.crm.storage.contract.storage import CrmStorage
    from moorage.crm.trials import Trial, TriedRecord
    from moorage.crm.wire.refusals import refusal

__all__ = [
    "ACCESS_LIFETIME",
    "DEMO",
    "Client",
    "CrmService",
    "CrmStorage",
    "Management",
    "NewOrganisation",
    "OrganisationExists",
    "OrganisationInvalid",
    "OrganisationRow",
    "OrganisationSpec",
    "OrganisationUnknown",
    "Trial",
    "TriedRecord",
    "User",
    "WholeCrm",
    "refusal",
]

_MODULES = {
    "ACCESS_LIFETIME": "accounts.service",
    "DEMO": "metadata.standard",
    "Client": "accounts.model",
    "CrmService": "service",
    "CrmStorage": "storage.contract.storage",
    "Management": "management",
    "OrganisationExists": "errors",
    "OrganisationInvalid": "errors",
    "OrganisationRow": "organisations.service",
    "OrganisationSpec": "metadata.standard",
    "OrganisationUnknown": "errors",
    "Trial": "trials",
    "TriedRecord": "trials",
    "User": "accounts.model",
    "NewOrganisation": "organisations.new",
    "WholeCrm": "saving",
    "refusal": "wire.refusals",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"moorage.crm.{_MODULES[name]}"), name)
