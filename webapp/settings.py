"""The service's settings: where it listens, whom it calls, whom it lets in; and the library's beside them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from workflow_fsm.core.errors import SettingsInvalid
from workflow_fsm.settings import (
    TEXT,
    SettingKind,
    Settings,
    check_values,
    is_set,
    read_values,
    variable,
    whole,
)

LEAST_JWT_BYTES = 32
"""RFC 7518: a key for HS256 has at least as many bits as the hash."""
WEBHOOK_BYTES = range(24, 65)
"""How long Standard Webhooks lets a secret be."""

OUTWARDS = (
    "INTEGRATIONS_URL",
    "INTEGRATIONS_API_KEY",
    "PYTHON_API_URL",
    "WORKFLOW_RUN_DETECTION",
    "WORKFLOW_ALERT_URL",
)
"""What the calls to other services are made by, in the service or in a worker."""


def _same(check: Callable[[str], None]) -> SettingKind:
    """Take text as it is, from a variable or from Python, that passes one check."""

    def read(text: str) -> str:
        check(text)
        return text

    def check_given(value: object) -> None:
        if not isinstance(value, str):
            raise ValueError(f"is {type(value).__name__}; it must be a string")
        check(value)

    return SettingKind(read=read, check=check_given)


def _read_switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"is {text!r}; it must be 0 or 1")
    return text == "1"


def _check_switch(value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"is {value!r}; it must be True or False")


def _read_refusal(text: str) -> int:
    if text not in ("409", "200"):
        raise ValueError(f"is {text!r}; it must be 409 or 200")
    return int(text)


def _check_refusal(value: object) -> None:
    if type(value) is not int or value not in (409, 200):
        raise ValueError(f"is {value!r}; it must be 409 or 200")


def _check_token(text: str) -> None:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError(
            "holds a blank, or another character that no bearer token can have; "
            "it must be the key alone, in visible ASCII characters"
        )


def _read_webhook_secrets(text: str) -> tuple[str, ...]:
    secrets = tuple(one.strip() for one in text.split(",") if one.strip())
    if not secrets:
        raise ValueError("names no secret; unset it, or name one")
    _check_webhook_secrets(secrets)
    return secrets


def _check_webhook_secrets(value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(secret, str) for secret in value):
        raise ValueError("must be a tuple of secrets, each of which begins with whsec_")
    for secret in value:
        _check_webhook_secret(secret)


def _check_webhook_secret(secret: str) -> None:
    """Refuse what is no secret of Standard Webhooks, without telling it."""
    must = f"it must be whsec_ and {WEBHOOK_BYTES[0]} to {WEBHOOK_BYTES[-1]} random bytes in base64"
    match = re.fullmatch(r"whsec_([A-Za-z0-9+/]+)(=*)", secret)
    if match is None:
        raise ValueError(
            "holds a secret that does not begin with whsec_ or is no base64; "
            f"{must}, and several are separated by commas"
        )
    encoded, given = match.groups()
    padding = "=" * (-len(encoded) % 4)
    if len(padding) > 2 or given not in ("", padding):
        raise ValueError(f"holds a secret whose base64 is cut off; {must}")
    size = len(base64.b64decode(encoded + padding))
    if size not in WEBHOOK_BYTES:
        raise ValueError(f"holds a secret of {size} bytes; {must}")


def _check_jwt_secret(secret: str) -> None:
    if secret != secret.strip():
        raise ValueError("begins or ends with a blank or a line break; leave it out")
    if "-----BEGIN " in secret or secret.startswith("ssh-"):
        raise ValueError("is a key pair's or a certificate's; HS256 takes a secret of both sides")
    try:
        size = len(secret.encode())
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    if size < LEAST_JWT_BYTES:
        raise ValueError(
            f"has {size} bytes; HS256 needs at least {LEAST_JWT_BYTES}, "
            "or tokens could be forged by trying secrets"
        )


def _check_base_url(text: str) -> None:
    """Check a URL to which paths are added. What is wrong is told without what may be secret in it."""
    parts = _split(text)
    if parts.query or parts.fragment or text[-1] in "?#":
        raise ValueError("has a query or a fragment; paths are added to it, so it must not")
    if text.endswith("/"):
        raise ValueError("ends with a slash; paths are added to it, so leave it out")


def _read_base_url(text: str) -> str:
    text = text.rstrip("/")
    _check_base_url(text)
    return text


def _check_whole_url(text: str) -> None:
    """Check a URL that is called as it is: it may well be a secret, in its path or in a query."""
    if _split(text).fragment:
        raise ValueError("has a fragment, which is never sent; leave it out")


def _split(text: str) -> SplitResult:
    must = "can't be used; it must be a URL such as https://host:8443/path, in ASCII"
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError(must)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(must) from None
    if not usable or "\\" in text:
        raise ValueError(must)
    if "@" in parts.netloc:
        raise ValueError("has credentials in it, which end in logs; leave them out")
    return parts


_PORT = whole(0, 65535, "a port's number, {} to {}")
_SWITCH = SettingKind(read=_read_switch, check=_check_switch)
_REFUSAL = SettingKind(read=_read_refusal, check=_check_refusal)
_TOKEN = _same(_check_token)
_JWT_SECRET = _same(_check_jwt_secret)
_WEBHOOK_SECRETS = SettingKind(read=_read_webhook_secrets, check=_check_webhook_secrets)
_BASE_URL = SettingKind(read=_read_base_url, check=_same(_check_base_url).check)
_WHOLE_URL = _same(_check_whole_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What the service is asked for; `workflow` is what it opens its store with.

    `refusal_status` is 409 or 200. Base URLs have no slash at their end. Raises SettingsInvalid, which names
    the field that is wrong, and says what it must be.
    """

    workflow: Settings = field(default_factory=Settings)
    host: str = field(default="127.0.0.1", metadata=variable("HOST", TEXT))
    port: int = field(default=8000, metadata=variable("PORT", _PORT))
    refusal_status: int = field(default=409, metadata=variable("WORKFLOW_REFUSAL_STATUS", _REFUSAL))
    integrations_url: str | None = field(default=None, metadata=variable("INTEGRATIONS_URL", _BASE_URL))
    integrations_api_key: str | None = field(
        default=None, repr=False, metadata=variable("INTEGRATIONS_API_KEY", _TOKEN)
    )
    python_api_url: str | None = field(default=None, metadata=variable("PYTHON_API_URL", _BASE_URL))
    run_detection: bool = field(default=False, metadata=variable("WORKFLOW_RUN_DETECTION", _SWITCH))
    alert_url: str | None = field(
        default=None, repr=False, metadata=variable("WORKFLOW_ALERT_URL", _WHOLE_URL)
    )
    max_sockets: int = field(default=200, metadata=variable("WORKFLOW_MAX_SOCKETS", whole(0, 10_000)))
    webhook_secrets: tuple[str, ...] = field(
        default=(), repr=False, metadata=variable("WORKFLOW_WEBHOOK_SECRETS", _WEBHOOK_SECRETS)
    )
    api_token: str | None = field(default=None, repr=False, metadata=variable("WORKFLOW_API_TOKEN", _TOKEN))
    jwt_secret: str | None = field(
        default=None, repr=False, metadata=variable("WORKFLOW_JWT_SECRET", _JWT_SECRET)
    )

    def __post_init__(self) -> None:
        """Check each field, and that whoever is to run detection is named."""
        check_values(self)
        if self.run_detection and self.integrations_url is None:
            raise SettingsInvalid(
                "run_detection (WORKFLOW_RUN_DETECTION) is set, but integrations_url (INTEGRATIONS_URL), "
                "the service that runs detection, is unset"
            )

    @property
    def asks_for_credentials(self) -> bool:
        """Whether any of the three secrets is set; where none is, nobody is asked for credentials."""
        return bool(self.webhook_secrets) or self.api_token is not None or self.jwt_secret is not None

    @property
    def own_url(self) -> str:
        """This service's URL, as callbacks name it."""
        if self.python_api_url is not None:
            return self.python_api_url
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, workflow: Settings | None = None
    ) -> ServiceSettings:
        """Read the service's settings from environment variables, and the library's where none are given.

        A variable that is empty counts as unset. Raises SettingsInvalid, which names it.
        """
        workflow = Settings.from_environment(environment) if workflow is None else workflow
        return cls(workflow=workflow, **read_values(cls, environment))

    @classmethod
    def for_worker(
        cls, environment: Mapping[str, str] | None = None, *, workflow: Settings | None = None
    ) -> ServiceSettings:
        """Read what a worker acts on: the calls outwards, and where callbacks go. It serves nothing.

        HOST and PORT are read only where a callback's URL is made of them.
        """
        workflow = Settings.from_environment(environment) if workflow is None else workflow
        asks = is_set("INTEGRATIONS_URL", environment) and not is_set("PYTHON_API_URL", environment)
        among = (*OUTWARDS, "HOST", "PORT") if asks else OUTWARDS
        return cls(workflow=workflow, **read_values(cls, environment, among))
