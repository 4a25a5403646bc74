"""The CRM's screens: modules, records and what belongs to them, through the API of Zoho CRM v8.

Whatever a connection leads to, the embedded CRM or Zoho's own, these pages ask for the same.
"""
