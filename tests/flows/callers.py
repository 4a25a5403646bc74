"""Callers that go on until they are stopped, each in a thread of its own."""

import threading


class Callers:
    """Within its context, `_run` goes on in each thread, given the caller's number, until `_stop` is set."""

    def __init__(self, callers):
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(callers)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
