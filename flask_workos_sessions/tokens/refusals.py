"""Why an access token, or the keys to check it with, cannot be had."""

from __future__ import annotations

#: Seconds that WorkOS's clock may be ahead of ours.
SKEW = 60


class InvalidToken(Exception):
    """The access token is refused. ``reason`` is a fixed phrase, without any value from it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class KeyUnknown(InvalidToken):
    """A key set that was fetched after the token was issued lacks its key."""

    def __init__(self) -> None:
        super().__init__("an unknown key")


class ClockSkewed(InvalidToken):
    """The token was issued more than 60 seconds in the future: our clock is wrong, or WorkOS's."""

    def __init__(self) -> None:
        super().__init__(
            "a time of issue in the future: the clock of this machine is behind WorkOS's, compare "
            "it with the real time"
        )


class KeysUnavailable(Exception):
    """The key set cannot be had just now, so nothing is known about the token."""
