"""For processes that run a function of a test: forks of a process that has imported what they need.

A process that starts as others do imports it all anew, which takes most of a second of a core.
"""

import multiprocessing

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.crm.conftest", "hypothesis"])
