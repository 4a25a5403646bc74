"""Criteria, views and searches: text to a tree, and the tree held against a module."""
