"""Files that callers send and get: read from a body, kept once, sent in parts, and swept when nobody needs them."""
