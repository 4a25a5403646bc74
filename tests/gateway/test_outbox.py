import asyncio

from moorage.gateway.outbox import Outbox


class Transport:
    """A transport that adds what is written to a list that several transports share."""

    def __init__(self, name, written):
        self.name, self.written, self.closed = name, written, False

    def is_closing(self):
        return self.closed

    def write(self, data):
        self.written.append((self.name, data))


def played(script):
    """What was written by a script while it ran, and what in all."""

    async def play():
        written = []
        script(Outbox(asyncio.get_running_loop()), Transport("a", written), Transport("b", written))
        early = list(written)
        await asyncio.sleep(0)
        return early, written

    return asyncio.run(play())


def test_what_one_turn_brings_leaves_together_at_its_end():
    def script(outbox, first, other):
        outbox.put(first, b"1")
        outbox.put(other, b"2")
        outbox.put(first, b"3")

    assert played(script) == ([], [("a", b"1"), ("b", b"2"), ("a", b"3")])


def test_nothing_overtakes_what_waits():
    def script(outbox, first, other):
        outbox.put(first, b"the end of a request")
        outbox.write(first, b"the beginning of the next")

    early, written = played(script)
    assert early == written == [("a", b"the end of a request"), ("a", b"the beginning of the next")]


def test_a_connection_that_was_closed_meanwhile_keeps_nothing_from_the_others():
    def script(outbox, first, other):
        outbox.put(first, b"1")
        outbox.put(other, b"2")
        first.closed = True

    assert played(script) == ([], [("b", b"2")])
