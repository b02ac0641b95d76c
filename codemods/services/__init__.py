"""What is known of each service's client: which call leaves what, and what an empty service answers."""
