"""What tests of uploads share."""

import pytest

from moorage.crm.files import keeping


@pytest.fixture
def path(crm):
    """Where the files go."""
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash"})
    return f"Leads/{lead}/Attachments"


@pytest.fixture
def in_parts_of_four(monkeypatch):
    """What is longer than eight bytes is long. Gives what sets the size of parts in more modules."""

    def in_parts(*modules):
        for module in modules:
            monkeypatch.setattr(module, "PART_SIZE", 4)

    in_parts(keeping)
    monkeypatch.setattr(keeping, "AT_ONCE", 2)
    return in_parts
