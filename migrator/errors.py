"""What ends a command with exit code 2."""


class UsageError(Exception):
    """Bad usage, configuration or path; the message names the file, the key and the mend in one line."""
