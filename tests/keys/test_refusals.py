"""What the log tells of calls without a valid key: enough to see an attack, and never a line for each call."""

from tests.log_lines import capture_logs


def lines(logged):
    return [(line["address"], line["count"]) for line in logged if line["event"] == "keys.refused"]


def test_an_address_gets_few_lines_however_often_it_tries(control, owner):
    with capture_logs() as logged:
        for _ in range(12):
            assert control.call("GET", "/keys", key="mk_live_wrong").status == 401
        assert owner.get("/keys").status == 200
        control.clock.advance(60)
        control.call("GET", "/keys")
    assert lines(logged) == [("127.0.0.1", 1), ("127.0.0.1", 10), ("127.0.0.1", 1)]
    assert "mk_live_wrong" not in str(logged)


def test_many_addresses_share_a_line(control):
    with capture_logs() as logged:
        for number in range(150):
            control.rooms.refusals.note(f"192.0.2.{number}")
    assert len(lines(logged)) == 102 and lines(logged)[-2:] == [("others", 1), ("others", 10)]
