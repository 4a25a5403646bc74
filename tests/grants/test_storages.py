"""Grants with a control database in PostgreSQL: what reaches every statement, from tests/grants/test_tokens.py."""

import pytest

from tests.control_database import VAULT_KEY
from tests.grants.test_tokens import (  # noqa: F401
    other_process,
    test_a_code_works_once_and_its_second_use_ends_what_it_gave,
    test_a_grant_has_a_few_access_tokens,
    test_a_program_takes_one_access_token_back,
    test_an_old_refresh_token_ends_the_grant,
    test_two_processes_accept_a_code_once,
    test_two_processes_give_one_refresh_token_to_two_calls_at_once,
    test_what_nobody_uses_is_removed,
)


@pytest.fixture
def database_settings(control_in_postgresql):
    return {"MOORAGE_DATABASE_URL": control_in_postgresql, "MOORAGE_VAULT_KEY": VAULT_KEY}
