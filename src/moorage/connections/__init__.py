"""Through what a caller acts: connections to outside accounts, their state, and the control API."""
