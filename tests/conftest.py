"""What holds for all tests."""

import os

# Tests start Moorage in a process of its own by the hundred, and each would compile all of it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
