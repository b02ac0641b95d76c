"""What renders an inventory: tables, JSON, pages."""
