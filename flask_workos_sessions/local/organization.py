"""An organization: a customer of the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .identifiers import iso


@dataclass
class LocalOrganization:
    """A customer. With ``sso_required`` its members sign in through ``connection_id``."""

    id: str
    name: str
    entitlements: tuple[str, ...] = ()
    feature_flags: tuple[str, ...] = ()
    sso_required: bool = False
    mfa_required: bool = False
    connection_id: str = ""
    external_id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: float = 0.0
    updated_at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The organization object of WorkOS's API. A local one has no domains."""
        return {
            "object": "organization",
            "id": self.id,
            "name": self.name,
            "domains": [],
            "external_id": self.external_id,
            "metadata": dict(self.metadata),
            "allow_profiles_outside_organization": False,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }
