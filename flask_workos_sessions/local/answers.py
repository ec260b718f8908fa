"""WorkOS's refusals: a status and a JSON body, in the shapes of its API."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """WorkOS answers with ``status`` and the JSON ``body``."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"answered with {status}")
        self.status = status
        self.body = body

    @property
    def word(self) -> str | None:
        """The machine-readable word: ``error`` of the one shape, ``code`` of the other."""
        word = self.body.get("error") or self.body.get("code")
        return word if isinstance(word, str) else None


def oauth_error(error: str, description: str, status: int = 400, **more: Any) -> ApiError:
    """The shape of OAuth 2.0 (RFC 6749 5.2): ``error`` and ``error_description``."""
    return ApiError(status, {"error": error, "error_description": description, **more})


def api_error(code: str, message: str, status: int, **more: Any) -> ApiError:
    """The shape of WorkOS's other errors: ``code`` and ``message``."""
    return ApiError(status, {"code": code, "message": message, **more})


def unauthorized() -> ApiError:
    """The API key is wrong or missing."""
    return ApiError(401, {"message": "Unauthorized"})
