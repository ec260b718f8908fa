"""Who there is: people, organizations, roles, and who belongs where with which role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .identifiers import iso, new_id

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


@dataclass
class LocalRole:
    """A role and the permissions that come with it."""

    slug: str
    name: str
    permissions: tuple[str, ...] = ()


@dataclass
class LocalMembership:
    """A person's place in an organization: roles, of which the first is the primary one."""

    user_id: str
    organization_id: str
    roles: tuple[str, ...] = ("member",)
    active: bool = True


class UnknownName(LookupError):
    """There is no such person, organization or role."""


class Directory:
    """The people and organizations of one LocalWorkOS.

    Everywhere a person may be given as an object, an id or an e-mail address, an organization as
    an object, an id or a name.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.users: dict[str, LocalUser] = {}
        self.organizations: dict[str, LocalOrganization] = {}
        self.roles: dict[str, LocalRole] = {}
        self.memberships: dict[tuple[str, str], LocalMembership] = {}

    def user(self, who: LocalUser | str) -> LocalUser:
        """The person.

        :raises UnknownName: there is none, or not any more.
        """
        found = self.find_user(who.id if isinstance(who, LocalUser) else who)
        if found is None:
            raise UnknownName("There is no such person in this LocalWorkOS.")
        return found

    def find_user(self, id_or_email: str) -> LocalUser | None:
        """The person with this id or address (compared without case), or ``None``."""
        if id_or_email in self.users:
            return self.users[id_or_email]
        wanted = id_or_email.strip().casefold()
        return next((u for u in self.users.values() if u.email.casefold() == wanted), None)

    def organization(self, which: LocalOrganization | str) -> LocalOrganization:
        """The organization.

        :raises UnknownName: there is none.
        """
        name = which.id if isinstance(which, LocalOrganization) else which
        if name in self.organizations:
            return self.organizations[name]
        for organization in self.organizations.values():
            if organization.name == name:
                return organization
        raise UnknownName("There is no such organization in this LocalWorkOS.")

    def organizations_of(self, user: LocalUser) -> list[LocalOrganization]:
        """Where this person is an active member, in the order of joining."""
        return [
            self.organizations[membership.organization_id]
            for membership in self.memberships.values()
            if membership.user_id == user.id and membership.active
        ]

    def places_of(self, user: LocalUser) -> list[str]:
        """This person's places in words, such as ``Admin in Acme``."""
        places = []
        for organization in self.organizations_of(user):
            slug = self.memberships[user.id, organization.id].roles[0]
            places.append(f"{self.roles[slug].name} in {organization.name}")
        return places

    def membership(self, user_id: str, organization_id: str) -> LocalMembership | None:
        """The active membership, or ``None``."""
        found = self.memberships.get((user_id, organization_id))
        return found if found is not None and found.active else None

    def permissions_of(self, roles: Iterable[str]) -> list[str]:
        """All permissions that come with these roles, each once."""
        slugs = (
            slug for name in roles if name in self.roles for slug in self.roles[name].permissions
        )
        return list(dict.fromkeys(slugs))

    def add_user(self, email: str, **fields: Any) -> LocalUser:
        """A new person; ``fields`` are those of :class:`LocalUser`.

        :raises ValueError: the address is taken.
        """
        if self.find_user(email) is not None:
            raise ValueError("Somebody with this address is there already.")
        now = self._clock()
        fields.setdefault("id", new_id("user", now))
        user = LocalUser(email=email, created_at=now, updated_at=now, **fields)
        self.users[user.id] = user
        return user

    def change_user(self, who: LocalUser | str, changes: Mapping[str, Any]) -> LocalUser:
        """Set fields of a person.

        :raises ValueError: an unknown field, or an unknown ``required``.
        """
        user = self.user(who)
        if changes.get("required") not in INTERACTIONS | {None}:
            raise ValueError(f"required must be None or one of {sorted(INTERACTIONS)}")
        _change(user, changes)
        user.updated_at = self._clock()
        return user

    def remove_user(self, who: LocalUser | str) -> LocalUser:
        """Delete a person with all memberships."""
        user = self.user(who)
        del self.users[user.id]
        for key in [key for key in self.memberships if key[0] == user.id]:
            del self.memberships[key]
        return user

    def add_organization(self, name: str, **fields: Any) -> LocalOrganization:
        """A new organization; ``fields`` are those of :class:`LocalOrganization`."""
        now = self._clock()
        fields.setdefault("id", new_id("org", now))
        fields.setdefault("connection_id", new_id("conn", now))
        organization = LocalOrganization(name=name, **fields)
        self.organizations[organization.id] = organization
        return organization

    def change_organization(
        self, which: LocalOrganization | str, changes: Mapping[str, Any]
    ) -> LocalOrganization:
        """Set fields of an organization."""
        organization = self.organization(which)
        _change(organization, changes)
        return organization

    def remove_organization(self, which: LocalOrganization | str) -> LocalOrganization:
        """Delete an organization with all memberships."""
        organization = self.organization(which)
        del self.organizations[organization.id]
        for key in [key for key in self.memberships if key[1] == organization.id]:
            del self.memberships[key]
        return organization

    def add_role(self, slug: str, permissions: Iterable[str], name: str | None = None) -> LocalRole:
        """A new role, or the same role with other permissions."""
        role = LocalRole(slug, name or slug.replace("-", " ").capitalize(), tuple(permissions))
        self.roles[slug] = role
        return role

    def add_membership(
        self, who: LocalUser | str, where: LocalOrganization | str, roles: Iterable[str]
    ) -> LocalMembership:
        """Make a person a member with these roles, or give a member other roles.

        :raises UnknownName: a role does not exist.
        :raises ValueError: no role.
        """
        user, organization, wanted = self.user(who), self.organization(where), tuple(roles)
        if not wanted:
            raise ValueError("A member has at least one role.")
        if unknown := [slug for slug in wanted if slug not in self.roles]:
            raise UnknownName(f"There is no role {unknown[0]!r}; add_role makes one.")
        membership = LocalMembership(user.id, organization.id, wanted)
        self.memberships[user.id, organization.id] = membership
        return membership

    def remove_membership(self, who: LocalUser | str, where: LocalOrganization | str) -> None:
        """Take a person out of an organization."""
        self.memberships.pop((self.user(who).id, self.organization(where).id), None)


def _change(target: object, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if name == "id" or not hasattr(target, name):
            raise ValueError(f"{type(target).__name__} has no field {name!r} to set.")
        setattr(target, name, tuple(value) if isinstance(value, list | set) else value)
