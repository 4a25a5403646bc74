"""Records: read, searched, written."""
