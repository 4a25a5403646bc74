"""Background loops: started again if they fail, named in the log, stopped together."""

import asyncio

from moorage.background import Background, Loop
from moorage.clock import SystemClock
from moorage.rooms import Rooms, Urls
from moorage.settings import load
from tests.log_lines import capture_logs


class Counting:
    """A loop that fails so many times before it goes on without an end."""

    def __init__(self, name, failures):
        self.loop = Loop(name, self.run)
        self.failures, self.begun, self.stopped = failures, 0, False
        self.going = asyncio.Event()

    async def run(self):
        self.begun += 1
        if self.begun <= self.failures:
            raise RuntimeError(f"failure {self.begun}")
        self.going.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True


def test_a_loop_that_fails_is_begun_anew_and_named_and_the_others_go_on():
    async def scene():
        sound, failing = Counting("keys.note_uses", 0), Counting("crm.notice_changes", 2)
        background = Background([sound.loop, failing.loop], pause=0)
        assert sound.begun == 0  # Nothing runs before it is started.
        background.start()
        await asyncio.wait_for(failing.going.wait(), 5)
        assert (sound.begun, failing.begun) == (1, 3)
        await background.close()
        assert sound.stopped and failing.stopped

    with capture_logs() as logs:
        asyncio.run(scene())
    assert [(line["event"], line["loop"], line["reason"]) for line in logs] == [
        ("background.failed", "crm.notice_changes", "failure 1"),
        ("background.failed", "crm.notice_changes", "failure 2"),
    ]


def test_what_was_never_started_can_be_closed():
    asyncio.run(Background([]).close())


def test_every_room_that_has_a_loop_has_it_run(tmp_path):
    async def scene():
        rooms = Rooms(load({}, home=tmp_path), Urls("http://gateway.test", "http://crm.test"), SystemClock())
        rooms.make_all()
        named = [
            loop.name
            for room in vars(rooms).values()
            if hasattr(room, "background")
            for loop in room.background()
        ]
        run = [loop.name for loop in rooms.background()]
        await rooms.close()
        return named, run

    named, run = asyncio.run(scene())
    assert sorted(named) == sorted(run) and len(set(run)) == len(run) == 9
