"""A package of the archive."""
