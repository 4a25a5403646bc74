"""The threads of bulk jobs, which run behind those that answer callers."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from moorage.crm.storage.jobs import step_behind_readers

P = ParamSpec("P")
T = TypeVar("T")

# No thread is started before the first use, so a process may fork before.
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="crm-jobs", initializer=step_behind_readers)


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(work, *args, **kwargs))
