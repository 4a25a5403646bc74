"""The checks of `moorage doctor`: the settings, the data folder and its databases, the server, every connection.

The checks create and change nothing. Each error becomes a finding, so `doctor` also helps if no database opens.
"""

from moorage.doctor.examination import examine
from moorage.doctor.report import Check, Report, failed

__all__ = ["Check", "Report", "examine", "failed"]
