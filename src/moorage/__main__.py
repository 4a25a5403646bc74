"""`python -m moorage` is `moorage`."""

import sys

from moorage.cli import main

if __name__ == "__main__":
    sys.exit(main())
