"""Numbers about a server for Prometheus. A server loads this room only if its metrics are on."""
