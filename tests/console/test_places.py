"""Which account a screen uses, and what it asks before it changes a live one."""

import pytest

from moorage.console.calls import Refused
from moorage.console.places import require_confirmed

LIVE = {"connection_id": "c-1", "environment": "live", "metadata": {"organisation": "Acme"}}


class Visit:
    """Stands for a visit with a form."""

    def __init__(self, **form):
        self.form = form


@pytest.mark.parametrize("form", [{}, {"confirm": ""}, {"confirm": "c-2"}])
def test_a_live_account_is_changed_only_if_the_person_has_ticked_that_account(form):
    with pytest.raises(Refused) as caught:
        require_confirmed(Visit(**form), LIVE)
    assert (caught.value.status, "the live account Acme" in caught.value.message) == (400, True)
    require_confirmed(Visit(confirm="c-1"), LIVE)


@pytest.mark.parametrize("environment", ["embedded", "sandbox"])
def test_no_other_account_asks(environment):
    require_confirmed(Visit(), {**LIVE, "environment": environment})


def test_a_connection_that_is_not_there_is_said(owner):
    page = owner.open("/console/query?connection=nowhere")
    assert (page.status, "no active connection 'nowhere'" in page.words) == (404, True)
