"""A sample app, and how to try it on one machine. Neither is part of the installed package."""
