"""Complete WorkOS AuthKit sessions for Flask."""
