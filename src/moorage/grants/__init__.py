"""Moorage as the authorization server of outside programs, such as MCP clients (OAuth 2.1).

A person with a session lets a program act, on a page. That makes an API key whose secret nobody learns, and the program
gets tokens that stand for this key, and only at the resource that they are for. Decision 0071 has the reasons.
"""
