"""Where a change finds its records, and whose change it is."""

import msgspec

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction


class Place(msgspec.Struct, frozen=True):
    """A module of an organisation, within a transaction. `user` is who changes its records."""

    organisation: Organisation
    module: Module
    user: int
    transaction: Transaction
