"""A role: what its members may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .identifiers import iso


@dataclass
class LocalRole:
    """A role and the permissions that come with it; with ``organization_id`` only there."""

    slug: str
    name: str
    permissions: tuple[str, ...] = ()
    organization_id: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def kind(self) -> str:
        """``role``, or ``organization_role``: so its events are called."""
        return "role" if self.organization_id is None else "organization_role"

    def as_json(self) -> dict[str, Any]:
        """The role object of WorkOS's API."""
        body: dict[str, Any] = {"object": self.kind}
        if self.organization_id is not None:
            body["organization_id"] = self.organization_id
        return {
            **body,
            "slug": self.slug,
            "name": self.name,
            "description": None,
            "resource_type_slug": "organization",
            "permissions": list(self.permissions),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }
