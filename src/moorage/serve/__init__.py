"""Serve: the processes and sockets of `moorage up`. This file imports nothing, so that the CLI starts quickly."""
