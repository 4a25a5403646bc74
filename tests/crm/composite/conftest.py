"""A caller who may make composite requests."""

import pytest

SCOPE = (
    "ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.users.ALL,ZohoCRM.org.ALL,ZohoSearch.securesearch.READ,"
    "ZohoCRM.composite_requests.CUSTOM,ZohoCRM.notifications.ALL"
)


@pytest.fixture
def scope() -> str:
    return SCOPE


@pytest.fixture
def acme(crm, caller_of):
    return caller_of("acme", SCOPE)
