"""The embedded CRM: organisations, their modules and records, over Zoho CRM API v8. It knows nothing of the gateway."""
