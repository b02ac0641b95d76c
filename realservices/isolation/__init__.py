"""Giving every test the services as the first one found them, one file per service."""
