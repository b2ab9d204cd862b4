"""The service's settings: where it listens, whom it calls, whom it lets in; and the library's beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from webapp.credential_settings import JWT_NAME, JWT_SECRET, OWN_TOKEN, TOKEN, WEBHOOK_SECRETS, same
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

OUTWARDS = (
    "INTEGRATIONS_URL",
    "INTEGRATIONS_API_KEY",
    "PYTHON_API_URL",
    "WORKFLOW_RUN_DETECTION",
    "WORKFLOW_ALERT_URL",
)
"""What the calls to other services are made by, in the service or in a worker."""
MOST_PROCESSES = 64
"""That serve one port; more than a machine has cores only wait for each other."""


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


def _read_hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(one.strip() for one in text.split(",") if one.strip())
    if not hosts:
        raise ValueError("names no host; unset it, or name one")
    _check_hosts(hosts)
    return hosts


def _check_hosts(value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(host, str) for host in value):
        raise ValueError("must be a tuple of hosts' names, such as ('claims.example', '.shop.example')")
    for host in value:
        if not re.fullmatch(r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", host):
            raise ValueError(
                f"has {host!r}, which is no host's name; it must be names such as claims.example, or "
                ".claims.example for all below it too, without a scheme or a port"
            )


_PORT = whole(0, 65535, "a port's number, {} to {}")
_SWITCH = SettingKind(read=_read_switch, check=_check_switch)
_REFUSAL = SettingKind(read=_read_refusal, check=_check_refusal)
_BASE_URL = SettingKind(read=_read_base_url, check=same(_check_base_url).check)
_HOSTS = SettingKind(read=_read_hosts, check=_check_hosts)
_WHOLE_URL = same(_check_whole_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What the service is asked for; `workflow` is what it opens its store with.

    `processes` serve the port. `refusal_status` is 409 or 200. Base URLs have no slash at their end. Raises
    SettingsInvalid, which names the field that is wrong, and says what it must be.
    """

    workflow: Settings = field(default_factory=Settings)
    host: str = field(default="127.0.0.1", metadata=variable("HOST", TEXT))
    port: int = field(default=8000, metadata=variable("PORT", _PORT))
    refusal_status: int = field(default=409, metadata=variable("WORKFLOW_REFUSAL_STATUS", _REFUSAL))
    integrations_url: str | None = field(default=None, metadata=variable("INTEGRATIONS_URL", _BASE_URL))
    integrations_api_key: str | None = field(
        default=None, repr=False, metadata=variable("INTEGRATIONS_API_KEY", TOKEN)
    )
    python_api_url: str | None = field(default=None, metadata=variable("PYTHON_API_URL", _BASE_URL))
    run_detection: bool = field(default=False, metadata=variable("WORKFLOW_RUN_DETECTION", _SWITCH))
    alert_url: str | None = field(
        default=None, repr=False, metadata=variable("WORKFLOW_ALERT_URL", _WHOLE_URL)
    )
    processes: int = field(default=1, metadata=variable("WORKFLOW_PROCESSES", whole(1, MOST_PROCESSES)))
    max_sockets: int = field(default=200, metadata=variable("WORKFLOW_MAX_SOCKETS", whole(0, 10_000)))
    max_user_sockets: int = field(
        default=20, metadata=variable("WORKFLOW_MAX_USER_SOCKETS", whole(1, 10_000))
    )
    trusted_proxies: int = field(default=0, metadata=variable("WORKFLOW_TRUSTED_PROXIES", whole(0, 20)))
    allowed_hosts: tuple[str, ...] = field(default=(), metadata=variable("WORKFLOW_ALLOWED_HOSTS", _HOSTS))
    webhook_secrets: tuple[str, ...] = field(
        default=(), repr=False, metadata=variable("WORKFLOW_WEBHOOK_SECRETS", WEBHOOK_SECRETS)
    )
    api_token: str | None = field(
        default=None, repr=False, metadata=variable("WORKFLOW_API_TOKEN", OWN_TOKEN)
    )
    jwt_secret: str | None = field(
        default=None, repr=False, metadata=variable("WORKFLOW_JWT_SECRET", JWT_SECRET)
    )
    jwt_audience: str | None = field(default=None, metadata=variable("WORKFLOW_JWT_AUDIENCE", JWT_NAME))
    jwt_issuer: str | None = field(default=None, metadata=variable("WORKFLOW_JWT_ISSUER", JWT_NAME))

    def __post_init__(self) -> None:
        """Check each field, and that whoever is to run detection is named."""
        check_values(self)
        if self.run_detection and self.integrations_url is None:
            raise SettingsInvalid(
                "run_detection (WORKFLOW_RUN_DETECTION) is set, but integrations_url (INTEGRATIONS_URL), "
                "the service that runs detection, is unset"
            )
        for name in ("jwt_audience", "jwt_issuer"):
            if getattr(self, name) is not None and self.jwt_secret is None:
                raise SettingsInvalid(
                    f"{name} (WORKFLOW_{name.upper()}) is set, but jwt_secret (WORKFLOW_JWT_SECRET), "
                    "by which tokens are known, is unset: no token would be taken"
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
