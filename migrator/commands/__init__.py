"""The subcommands of `migrate`, one small file each."""
