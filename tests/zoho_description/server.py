"""`moorage`, whose CRM's answers are held: `server.py DESCRIPTION NOTES ARGUMENTS`."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])

from moorage.cli import main  # noqa: E402
from tests.zoho_description.run import hold  # noqa: E402

if __name__ == "__main__":
    hold(Path(sys.argv.pop(1)), Path(sys.argv.pop(1)))
    main()
