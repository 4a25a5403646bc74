"""Without the setting no body is kept; and the vault's rotation, which keeps those that are."""

from contextlib import closing

from tests.control import Caller, Control
from tests.requests.test_bodies import key_of, log_bodies, shown


def test_nothing_is_kept_unless_it_is_switched_on(control, owner):
    rooms = control.rooms
    assert rooms.request_notes.bodies is None and rooms.request_writer._bodies is None


def test_bodies_are_read_after_a_rotation_of_the_vault(tmp_path):
    with closing(Control(tmp_path / "home", {"MOORAGE_REQUEST_BODIES": "on"})) as control:
        owner = Caller(control, "owner")
        owner.key = key_of(control, owner.account)
        log_bodies(control, owner.account, "r1")
        for _ in range(2):
            control.run(control.rooms.rotation.rotate())
        log_bodies(control, owner.account, "r2")
        assert shown(owner, "r1")["answer"] == shown(owner, "r2")["answer"]
        control.clock.advance(2.1 * 24 * 3600)
        assert shown(owner, "r1") is None and shown(owner, "r2")
