"""The apps as data, their destinations, and the operator's OAuth clients for them."""
