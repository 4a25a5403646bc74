"""A storage in memory that implements the contracts and nothing else: proof that no rule of Zoho's hides in an engine.

Whatever it answers, it answers later, as a database on another machine must: so its callers have to wait for it.
"""

from tests.contracts.memory.organisations import MemoryOrganisations

__all__ = ["MemoryOrganisations"]
