"""Finds mocks of services in tests, rewrites them to real services and keeps new ones out."""
