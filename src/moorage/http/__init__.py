"""HTTP beside the frameworks: requests and answers as values, one error shape, answering without ASGI."""
