"""Grants in each kind of control database: what reaches every statement, from tests/grants/test_tokens.py."""

from tests.control_database import on_both as database_settings  # noqa: F401 (a fixture)
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
