"""Notifications: who wants to hear of changes, what a change tells them, and how it reaches them [Z notifications].

`channels.py` and `change_events.py` are below the records, whose changes they hear of; the rest is above organisations.
"""
