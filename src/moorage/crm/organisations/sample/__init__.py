"""The sample records of a new organisation, for trying things out."""
