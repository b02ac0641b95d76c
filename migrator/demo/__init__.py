"""The demo: a sample application, its mocked tests, and bugs that only real services catch."""
