"""Numbers of ids that never change: the examples of the specification use them, so that its requests work unchanged.

All other metadata are numbered from `FIRST_NUMBER`, records from `FIRST_RECORD`.
"""

FIRST_NUMBER = 100_001
FIRST_RECORD = 597_000

ORGANISATION = 20_005
FIRST_USER = 590_001
ROLES = {"CEO": 26_005, "Manager": 26_008}
PROFILES = {"Administrator": 26_011, "Standard": 26_014}
MODULES = {"Leads": 2_175}
FIELDS = {("Leads", "Last_Name"): 2_613}
LAYOUTS = {"Leads": 91_055}
