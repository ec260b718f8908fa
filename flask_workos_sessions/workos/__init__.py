"""The wire: what is asked of WorkOS's API, and what its answers mean."""
