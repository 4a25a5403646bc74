"""What an organisation is made of: modules, fields, layouts, views, roles, profiles."""
