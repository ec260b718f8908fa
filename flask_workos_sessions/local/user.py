"""A person, as WorkOS knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .identifiers import iso

#: What an exchange can ask of a person first (workos.md §2.3 and §4). A test sets one of these
#: as ``LocalUser.required``.
INTERACTIONS = frozenset(
    {
        "application_consent_required",
        "email_verification_required",
        "mfa_challenge",
        "mfa_enrollment",
        "organization_authentication_methods_required",
        "organization_selection_required",
        "passkey_progressive_enrollment",
        "radar_challenge",
        "radar_sign_up_challenge",
        "radar_sms_sign_in_challenge",
        "sso_required",
    }
)


@dataclass
class LocalUser:
    """A person. ``required`` is one of :data:`INTERACTIONS`: every exchange asks for it."""

    id: str
    email: str = field(repr=False)
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    email_verified: bool = True
    profile_picture_url: str | None = None
    external_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    locale: str | None = None
    last_sign_in_at: float | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    feature_flags: tuple[str, ...] = ()
    mfa_enrolled: bool = False
    required: str | None = None

    @property
    def label(self) -> str:
        """What the hosted page calls this person."""
        parts = [part for part in (self.first_name, self.last_name) if part]
        return self.name or " ".join(parts) or self.email

    def as_json(self) -> dict[str, Any]:
        """The user object of WorkOS's API."""
        return {
            "object": "user",
            "id": self.id,
            "email": self.email,
            "email_verified": self.email_verified,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "name": self.name,
            "profile_picture_url": self.profile_picture_url,
            "external_id": self.external_id,
            "metadata": dict(self.metadata),
            "locale": self.locale,
            "last_sign_in_at": None if self.last_sign_in_at is None else iso(self.last_sign_in_at),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }
