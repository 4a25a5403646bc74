"""The processes and sockets of `moorage up`. This file imports nothing, so that the command line starts quickly."""
