"""What a session usually contains: the preset dictionary of the compression (RFC 1950, 2.2).

It is part of the format: a change of one byte makes every sealed session unreadable.
"""

from __future__ import annotations

# Deflate points back into this text. What is likeliest stands last: near pointers are shorter.
_WORDS = (
    '"impersonation","migrated_session","cross_app_auth","external_auth",'
    '"analytics:view","api-keys:manage","audit-logs:read","audit-logs:export","dashboard:view",'
    '"directory:manage","domains:manage","exports:create","files:upload","integrations:manage",'
    '"invitations:create","invoices:read","members:invite","members:remove","members:manage",'
    '"notifications:manage","organization:manage","organizations:read","payments:refund",'
    '"projects:create","projects:delete","projects:update","reports:export","reports:view",'
    '"roles:assign","subscriptions:manage","tasks:assign","teams:manage","webhooks:manage",'
    '"widgets:users-table:manage","widgets:sso:manage","widgets:domain-verification:manage",'
    '"settings:write","settings:read","documents:write","documents:read","comments:write",'
    '"comments:read","projects:write","projects:read","billing:manage","billing:read",'
    '"reports:read","users:invite","users:manage","users:write","users:read","posts:delete",'
    '"posts:write","posts:read",'
    '"audit-logs","scim","sso","beta","new-dashboard","dark-mode","advanced-analytics",'
    '"ai-assistant","enable-'
)
_HEADER = '{"alg":"RS256","typ":"JWT","kid":"sso_oidc_key_pair_01'
_PAYLOAD = (
    '{"act":{"sub":"'
    '"},"iss":"https://api.workos.com/user_management/client_01'
    '"iss":"https://api.workos.com","sub":"user_01'
    '","sid":"session_01'
    '","jti":"01'
    '","org_id":"org_01'
    '","role":"admin","roles":["admin"],"role":"member","roles":["member"],"permissions":["'
    '"],"entitlements":["'
    '"],"feature_flags":["'
    '"],"client_id":"client_01'
    '","auth_time":17'
    ',"exp":17'
    ',"iat":17'
)
_REST = (
    '"https://workoscdn.com/images/v1/'
    '","https://lh3.googleusercontent.com/a/'
    'GitHubOAuth","MicrosoftOAuth","GoogleOAuth","MagicAuth","Passkey","Password","SSO","'
    '@gmail.com","email_verified":false,"name":"","external_id":"'
    '[{"id":"user_01'
    '","email":"'
    '.com","email_verified":true,"first_name":"'
    '","last_name":"'
    '","profile_picture_url":"https://'
    '","locale":"en-US","last_sign_in_at":"2026-'
    'T00:00:00.000Z","created_at":"2026-'
    '000Z","updated_at":"2026-'
    '00Z","metadata":{}},"org_01'
    '",17'
    ",null,null,null]"
)

DICTIONARY = (_WORDS + _HEADER + _PAYLOAD + _REST).encode("ascii")
