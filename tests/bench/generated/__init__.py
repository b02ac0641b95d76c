"""A repository that is generated: its templates and how they are filled in."""
