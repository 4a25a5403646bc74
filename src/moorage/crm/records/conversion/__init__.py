"""Records that become others: leads become contacts, accounts and deals; quotes become orders and invoices."""
