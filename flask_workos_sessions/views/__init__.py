"""Our own routes and pages."""
