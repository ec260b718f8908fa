"""Where a session lies between two requests."""
