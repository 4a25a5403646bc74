"""The apps as data, the destinations of each, and the operator's OAuth clients for them."""
