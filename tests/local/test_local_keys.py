"""The key set: what it shows, rotation, withdrawal."""

from __future__ import annotations

import base64
import hashlib

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from flask_workos_sessions.local import LocalWorkOS


def _jwks(application, workos):
    return application.api("GET", f"/sso/jwks/{workos.client_id}", headers={}).json()


def _verifies(token, jwks):
    try:
        jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["RS256"])
    except (JoseError, ValueError):
        return False
    return True


def test_the_key_set_has_every_field_that_workos_s_has_and_no_private_one(application, workos):
    (key,) = _jwks(application, workos)["keys"]

    assert set(key) == {"alg", "kty", "use", "x5c", "n", "e", "kid", "x5t#S256"}
    assert (key["alg"], key["kty"], key["use"]) == ("RS256", "RSA", "sig")
    certificate = base64.b64decode(key["x5c"][0])
    digest = base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=")
    assert key["x5t#S256"] == digest.decode()


def test_a_token_verifies_with_the_key_set(application, workos):
    token = workos.sign_in("bob@acme.test")["access_token"]

    assert _verifies(token, _jwks(application, workos))


def test_another_client_has_no_key_set_here(application):
    answer = application.api("GET", "/sso/jwks/client_other", headers={})

    assert answer.status_code == 404
    assert "message" in answer.json()


def test_after_a_rotation_old_and_new_tokens_verify(application, workos):
    old = workos.sign_in("bob@acme.test")["access_token"]
    workos.rotate_keys()
    new = workos.sign_in("bob@acme.test")["access_token"]
    jwks = _jwks(application, workos)

    assert len(jwks["keys"]) == 2
    assert _verifies(old, jwks)
    assert _verifies(new, jwks)


def test_a_withdrawn_key_is_gone(application, workos):
    old = workos.sign_in("bob@acme.test")["access_token"]
    kid = workos.rotate_keys(withdraw=True)
    jwks = _jwks(application, workos)

    assert [key["kid"] for key in jwks["keys"]] == [kid]
    assert not _verifies(old, jwks)


def test_no_two_have_the_same_keys_or_secrets(workos):
    """security S8: nothing is fixed, everything is made at start."""
    another = LocalWorkOS()

    assert another.api_key != workos.api_key
    assert another.client_id != workos.client_id
    assert another.control_secret != workos.control_secret
    assert another.rotate_keys() != workos.rotate_keys()
