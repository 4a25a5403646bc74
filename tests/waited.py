"""Asynchronous services, called from tests that are no coroutines."""

import asyncio
import inspect

_ROOMS = ("organisations", "accounts", "clients", "people")


class Waited:
    """What it wraps, except that a call outside of an event loop gives its result, not something to await."""

    def __init__(self, wrapped, close=None, run=asyncio.run):
        vars(self).update(wrapped=wrapped, _close=close or wrapped.close, _run=run)

    def __getattr__(self, name):
        value = getattr(self.wrapped, name)
        if name in _ROOMS:
            return Waited(value, lambda: None, self._run)
        return self._waiting(value) if inspect.ismethod(value) or inspect.isfunction(value) else value

    def __setattr__(self, name, value):
        setattr(self.wrapped, name, value)

    def __delattr__(self, name):
        delattr(self.wrapped, name)

    def close(self):
        return self._waiting(self._close)()

    def _waiting(self, call):
        def waited(*args, **kwargs):
            result = call(*args, **kwargs)
            return wait(result, self._run) if inspect.isawaitable(result) and not _is_in_a_loop() else result

        return waited


def wait(awaitable, run=asyncio.run):
    async def awaited():
        return await awaitable

    return run(awaited())


def _is_in_a_loop():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
