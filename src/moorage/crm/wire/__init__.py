"""What goes over the wire: calls, routes, parameters, bodies, page tokens and refusals."""
