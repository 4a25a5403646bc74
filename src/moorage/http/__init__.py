"""HTTP below the frameworks: requests and responses as values, one error shape, and a protocol class without ASGI."""
