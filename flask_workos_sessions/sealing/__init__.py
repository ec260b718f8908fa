"""Sealing: what we put into a cookie, only we can read and change."""
