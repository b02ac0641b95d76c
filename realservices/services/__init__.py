"""The real clients that the fixtures hand out, one file per service."""
