"""What the service can't use, variable by variable: the library doesn't mind."""

from __future__ import annotations

UNUSABLE = {
    "PORT": "web",
    "HOST": "no host at all",
    "INTEGRATIONS_URL": "node",
    "INTEGRATIONS_API_KEY": "a b",
    "PYTHON_API_URL": "python",
    "WORKFLOW_RUN_DETECTION": "perhaps",
    "WORKFLOW_ALERT_URL": "mailto:me",
    "WORKFLOW_WEBHOOK_SECRETS": "short",
    "WORKFLOW_API_TOKEN": "a b",
    "WORKFLOW_JWT_SECRET": "short",
    "WORKFLOW_JWT_AUDIENCE": " ",
    "WORKFLOW_JWT_ISSUER": " ",
    "WORKFLOW_REFUSAL_STATUS": "500",
    "WORKFLOW_ALLOWED_HOSTS": "https://claims.example",
    "WORKFLOW_TRUSTED_PROXIES": "all",
    "WORKFLOW_MAX_USER_SOCKETS": "0",
    "WORKFLOW_MAX_SOCKETS": "many",
    "WORKFLOW_PROCESSES": "0",
}
"""Each of the service's variables, with a value that it can't use (a host may be any text)."""
