"""The keys that access tokens are signed with. They are made at start and never written down."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey


@dataclass(frozen=True)
class SigningKey:
    """One RSA key: the private half, and how the JWKS shows its public half."""

    kid: str
    private: RSAKey
    public: dict[str, Any]


def new_signing_key() -> SigningKey:
    """A new 2048-bit key with a self-signed certificate, as WorkOS's JWKS has it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kid = f"sso_oidc_key_pair_{secrets.token_hex(13)}"
    certificate = _certificate(private, kid)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key = RSAKey.import_key(pem, {"kid": kid, "alg": "RS256", "use": "sig"})
    digest = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=")
    der = certificate.public_bytes(serialization.Encoding.DER)
    public = {
        **key.as_dict(private=False),
        "x5c": [base64.b64encode(der).decode()],
        "x5t#S256": digest.decode(),
    }
    return SigningKey(kid, key, public)


def _certificate(private: rsa.RSAPrivateKey, kid: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, kid)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(private, hashes.SHA256())
    )


class SigningKeys:
    """The key that signs now, and those that are still published."""

    def __init__(self) -> None:
        self.current = new_signing_key()
        self._published = [self.current]

    def rotate(self, *, withdraw: bool = False) -> str:
        """Sign with a new key and return its id.

        :param withdraw: take the earlier keys out of the JWKS: their tokens are worth nothing.
        """
        self.current = new_signing_key()
        self._published = [self.current, *([] if withdraw else self._published)]
        return self.current.kid

    def as_jwks(self) -> dict[str, Any]:
        """The public halves, as ``GET /sso/jwks/<client id>`` answers."""
        return {"keys": [key.public for key in self._published]}
