"""The environment, read once: every variable the service knows, checked, with defaults for a laptop."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from urllib.parse import SplitResult, urlsplit

from workflow_fsm.core.errors import SettingsInvalid

LEAST_JWT_BYTES = 32
"""RFC 7518: a key for HS256 has at least as many bits as the hash."""
WEBHOOK_BYTES = range(24, 65)
"""How long Standard Webhooks lets a secret be."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment asks for.

    `defer` is how long a deferred event waits. An effect has `tries`, the first pause between them is
    `pause_seconds`. `handlers` names the modules whose `register(workflow)` is called on opening. A match of
    at least `auto_submit` confidence is decided `auto_submit`, of at least `prompt` `ask_user`.
    `refusal_status` is 409 or 200. Base URLs have no slash at their end.
    """

    database_url: str = field(default="sqlite:///workflow.db", repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    defer: timedelta = timedelta(days=7)
    tries: int = 8
    pause_seconds: float = 1.0
    handlers: tuple[str, ...] = ()
    refusal_status: int = 409
    auto_submit: Decimal = field(default=Decimal("0.85"))
    prompt: Decimal = field(default=Decimal("0.50"))
    integrations_url: str | None = None
    integrations_api_key: str | None = field(default=None, repr=False)
    python_api_url: str | None = None
    run_detection: bool = False
    alert_url: str | None = field(default=None, repr=False)
    max_sockets: int = 200
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    api_token: str | None = field(default=None, repr=False)
    jwt_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse secrets that protect nothing, whoever made the settings. Raises SettingsInvalid."""
        for secret in self.webhook_secrets:
            _check_webhook_secret(secret)
        _check_token("WORKFLOW_API_TOKEN", self.api_token)
        _check_jwt_secret(self.jwt_secret)

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
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from environment variables; one that is empty counts as unset.

        Raises SettingsInvalid, which names the variable and says what it can be.
        """
        environment = os.environ if environment is None else environment
        given = {name: value for name, value in environment.items() if value != ""}
        settings = cls(
            database_url=given.get("WORKFLOW_DATABASE_URL", cls.database_url_default()),
            host=given.get("HOST", "127.0.0.1"),
            port=_port(given.get("PORT", "8000")),
            defer=_duration("WORKFLOW_DEFER_TTL", given.get("WORKFLOW_DEFER_TTL", "7d")),
            tries=_tries(given.get("WORKFLOW_EFFECT_TRIES", "8")),
            pause_seconds=_duration(
                "WORKFLOW_EFFECT_PAUSE", given.get("WORKFLOW_EFFECT_PAUSE", "1s")
            ).total_seconds(),
            handlers=tuple(
                name.strip() for name in given.get("WORKFLOW_HANDLERS", "").split(",") if name.strip()
            ),
            refusal_status=_refusal(given.get("WORKFLOW_REFUSAL_STATUS", "409")),
            auto_submit=_share(given, "WORKFLOW_AUTO_SUBMIT_CONFIDENCE", "0.85"),
            prompt=_share(given, "WORKFLOW_PROMPT_CONFIDENCE", "0.50"),
            integrations_url=_base_url(given, "INTEGRATIONS_URL"),
            integrations_api_key=_key(given, "INTEGRATIONS_API_KEY"),
            python_api_url=_base_url(given, "PYTHON_API_URL"),
            run_detection=_switch("WORKFLOW_RUN_DETECTION", given.get("WORKFLOW_RUN_DETECTION", "0")),
            alert_url=_alert_url(given),
            max_sockets=_sockets(given.get("WORKFLOW_MAX_SOCKETS", "200")),
            webhook_secrets=_webhook_secrets(given.get("WORKFLOW_WEBHOOK_SECRETS")),
            api_token=given.get("WORKFLOW_API_TOKEN"),
            jwt_secret=given.get("WORKFLOW_JWT_SECRET"),
        )
        if settings.prompt > settings.auto_submit:
            raise SettingsInvalid(
                f"WORKFLOW_PROMPT_CONFIDENCE ({settings.prompt}) is above "
                f"WORKFLOW_AUTO_SUBMIT_CONFIDENCE ({settings.auto_submit}); it must not be"
            )
        if settings.run_detection and settings.integrations_url is None:
            raise SettingsInvalid(
                "WORKFLOW_RUN_DETECTION is 1, but INTEGRATIONS_URL, the service that runs detection, is unset"
            )
        return settings

    @staticmethod
    def database_url_default() -> str:
        """Give the store that is used where none is named."""
        return "sqlite:///workflow.db"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 <= int(text) <= 65535:
        return int(text)
    raise SettingsInvalid(f"PORT is {text!r}; it must be a port's number, 0 to 65535")


def _duration(name: str, text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)", text, re.ASCII)
    if match is None or float(match[1]) == 0:
        raise SettingsInvalid(
            f"{name} is {text!r}; it must be a duration above 0, such as 100ms, 30s, 36h or 7d"
        )
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise SettingsInvalid(f"{name} is {text!r}, which is longer than can be waited") from None


def _tries(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 1000:
        return int(text)
    raise SettingsInvalid(f"WORKFLOW_EFFECT_TRIES is {text!r}; it must be a whole number from 1 to 1000")


def _sockets(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 <= int(text) <= 10_000:
        return int(text)
    raise SettingsInvalid(f"WORKFLOW_MAX_SOCKETS is {text!r}; it must be a whole number from 0 to 10000")


def _refusal(text: str) -> int:
    if text not in ("409", "200"):
        raise SettingsInvalid(f"WORKFLOW_REFUSAL_STATUS is {text!r}; it must be 409 or 200")
    return int(text)


def _share(given: Mapping[str, str], name: str, default: str) -> Decimal:
    text = given.get(name, default)
    try:
        value = Decimal(text) if text.isascii() else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not (value.is_finite() and 0 <= value <= 1):
        raise SettingsInvalid(f"{name} is {text!r}; it must be a number from 0 to 1")
    return value


def _switch(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise SettingsInvalid(f"{name} is {text!r}; it must be 0 or 1")
    return text == "1"


def _key(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name)
    _check_token(name, text)
    return text


def _check_token(name: str, text: str | None) -> None:
    if text is not None and not re.fullmatch(r"[!-~]+", text):
        raise SettingsInvalid(
            f"{name} holds a blank, or another character that no bearer token can have; "
            "it must be the key alone, in visible ASCII characters"
        )


def _webhook_secrets(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    secrets = tuple(one.strip() for one in text.split(",") if one.strip())
    if not secrets:
        raise SettingsInvalid("WORKFLOW_WEBHOOK_SECRETS names no secret; unset it, or name one")
    return secrets


def _check_webhook_secret(secret: str) -> None:
    """Refuse what is no secret of Standard Webhooks, without telling it."""
    must = f"it must be whsec_ and {WEBHOOK_BYTES[0]} to {WEBHOOK_BYTES[-1]} random bytes in base64"
    match = re.fullmatch(r"whsec_([A-Za-z0-9+/]+)(=*)", secret)
    if match is None:
        raise SettingsInvalid(
            "WORKFLOW_WEBHOOK_SECRETS holds a secret that does not begin with whsec_ or is no base64; "
            f"{must}, and several are separated by commas"
        )
    encoded, given = match.groups()
    padding = "=" * (-len(encoded) % 4)
    if len(padding) > 2 or given not in ("", padding):
        raise SettingsInvalid(f"WORKFLOW_WEBHOOK_SECRETS holds a secret whose base64 is cut off; {must}")
    size = len(base64.b64decode(encoded + padding))
    if size not in WEBHOOK_BYTES:
        raise SettingsInvalid(f"WORKFLOW_WEBHOOK_SECRETS holds a secret of {size} bytes; {must}")


def _check_jwt_secret(secret: str | None) -> None:
    if secret is None:
        return
    if secret != secret.strip():
        raise SettingsInvalid("WORKFLOW_JWT_SECRET begins or ends with a blank or a line break; leave it out")
    if "-----BEGIN " in secret or secret.startswith("ssh-"):
        raise SettingsInvalid(
            "WORKFLOW_JWT_SECRET is a key pair's or a certificate's; HS256 takes a secret of both sides"
        )
    try:
        size = len(secret.encode())
    except UnicodeEncodeError:
        raise SettingsInvalid("WORKFLOW_JWT_SECRET is not UTF-8") from None
    if size < LEAST_JWT_BYTES:
        raise SettingsInvalid(
            f"WORKFLOW_JWT_SECRET has {size} bytes; HS256 needs at least {LEAST_JWT_BYTES}, "
            "or tokens could be forged by trying secrets"
        )


def _base_url(given: Mapping[str, str], name: str) -> str | None:
    """Read a URL to which paths are added. What is wrong with it is told without what may be secret in it."""
    text = given.get(name)
    if text is None:
        return None
    parts = _split(name, text)
    if parts.query or parts.fragment or text[-1] in "?#":
        raise SettingsInvalid(f"{name} has a query or a fragment; paths are added to it, so it must not")
    return text.rstrip("/")


def _alert_url(given: Mapping[str, str]) -> str | None:
    """Read where alerts go: the whole URL, which may well be a secret, in its path or in a query."""
    text = given.get("WORKFLOW_ALERT_URL")
    if text is not None and _split("WORKFLOW_ALERT_URL", text).fragment:
        raise SettingsInvalid("WORKFLOW_ALERT_URL has a fragment, which is never sent; leave it out")
    return text


def _split(name: str, text: str) -> SplitResult:
    must = f"{name} can't be used; it must be a URL such as https://host:8443/path, in ASCII"
    if not re.fullmatch(r"[!-~]+", text):
        raise SettingsInvalid(must)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise SettingsInvalid(must) from None
    if not usable or "\\" in text:
        raise SettingsInvalid(must)
    if "@" in parts.netloc:
        raise SettingsInvalid(f"{name} has credentials in it, which end in logs; leave them out")
    return parts
