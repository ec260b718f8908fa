"""Refreshing an access token once, and losing no session by it."""
