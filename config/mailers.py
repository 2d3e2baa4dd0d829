"""Mailer URLs: one line in the environment names the provider, its key and its options.

    smtp://user:pass@mail.example.com:587?tls=1      mailgun://KEY@mg.example.com?api_url=https://api.eu.mailgun.net/v3
    postmark://TOKEN?message_stream=broadcast        ses://?region=eu-west-1
    outbox://                                        the local outbox, for trying things out

Every query key that is not listed in HAND_OVER is passed to the backend's OPTIONS as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from urllib.parse import SplitResult

ANYMAIL = "anymail.backends.{}.EmailBackend"
# scheme: (Anymail's backend, the option that takes the URL's user part, the one that takes its password, its host)
PROVIDERS: dict[str, tuple[str, str, str, str]] = {
    "brevo": ("brevo", "api_key", "", ""),
    "mailersend": ("mailersend", "api_token", "", ""),
    "mailgun": ("mailgun", "api_key", "", "sender_domain"),
    "mailjet": ("mailjet", "api_key", "secret_key", ""),
    "mailtrap": ("mailtrap", "api_token", "", ""),
    "mandrill": ("mandrill", "api_key", "", ""),
    "postal": ("postal", "api_key", "", ""),
    "postmark": ("postmark", "server_token", "", ""),
    "resend": ("resend", "api_key", "", ""),
    "scaleway": ("scaleway", "secret_key", "", "project_id"),
    "sendgrid": ("sendgrid", "api_key", "", ""),
    "sparkpost": ("sparkpost", "api_key", "", ""),
    "unisender-go": ("unisender_go", "api_key", "", ""),
}
# Our own: readers in one hand-over, hand-overs at a time, and readers that all workers together may hand over.
HAND_OVER = ("batch_size", "concurrency", "per_second", "per_hour", "per_day")
TRUE = frozenset({"1", "true", "yes", "on"})
SMTP_TIMEOUT = 30  # seconds for each step of the conversation


@dataclass(frozen=True, slots=True)
class Mailer:
    """One parsed mailer URL: Django's MAILERS entry, and how issues are handed over to it."""

    scheme: str
    backend: str
    options: dict[str, Any]
    hand_over: dict[str, int]

    def as_setting(self) -> dict[str, Any]:
        return {"BACKEND": self.backend, "OPTIONS": self.options}


def parse(url: str, *, name: str) -> Mailer:
    """Read one mailer URL; `name` is the environment's name for it, used in messages.

    Raises ImproperlyConfigured, without repeating the URL: it holds a secret.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not a mailer URL: {error}.") from None
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    hand_over = _hand_over(query, name=name)
    match parts.scheme:
        case "outbox":
            backend, options = "outbox.backend.EmailBackend", {}
        case "smtp" | "smtps":
            backend, options = (
                "django.core.mail.backends.smtp.EmailBackend",
                _smtp(parts, port, query, name=name),
            )
        case "ses":
            backend, options = ANYMAIL.format("amazon_ses"), _ses(query)
        case scheme if scheme in PROVIDERS:
            backend, options = _provider(parts, name=name)
        case _:
            known = ", ".join(sorted(["outbox", "smtp", "smtps", "ses", *PROVIDERS]))
            raise ImproperlyConfigured(f"{name} begins with {parts.scheme!r}://, which is none of: {known}.")
    return Mailer(parts.scheme, backend, options | _typed(query, name=name), hand_over)


def _typed(query: dict[str, str], *, name: str) -> dict[str, Any]:
    """A URL knows only text, but backends ask for numbers of seconds, and for true and false."""
    typed: dict[str, Any] = dict(query)
    for key, value in query.items():
        if key.endswith("timeout"):
            if not value.isdigit():
                raise ImproperlyConfigured(f"{name}: {key} must be whole seconds, not {value!r}.")
            typed[key] = int(value)
        elif value.lower() in {"true", "false"}:
            typed[key] = value.lower() == "true"
    return typed


def _hand_over(query: dict[str, str], *, name: str) -> dict[str, int]:
    taken = {key: query.pop(key) for key in HAND_OVER if key in query}
    for key, value in taken.items():
        if not value.isdigit() or int(value) < 1:
            raise ImproperlyConfigured(f"{name}: {key} must be a whole number from 1, not {value!r}.")
    return {key: int(value) for key, value in taken.items()}


def _smtp(parts: SplitResult, port: int | None, query: dict[str, str], *, name: str) -> dict[str, Any]:
    if not parts.hostname:
        raise ImproperlyConfigured(f"{name} names no host: write smtp://user:password@host:port.")
    ssl = parts.scheme == "smtps" or query.pop("ssl", "").lower() in TRUE
    tls = query.pop("tls", "").lower() in TRUE
    return {
        "host": parts.hostname,
        "port": port or (465 if ssl else 587 if tls else 25),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": tls,
        "use_ssl": ssl,
        "timeout": SMTP_TIMEOUT,
    }


def _ses(query: dict[str, str]) -> dict[str, Any]:
    # botocore repeats a call whose answer is lost, up to five times: three mails from one send() were seen.
    config = {"retries": {"total_max_attempts": 1}, "connect_timeout": 5, "read_timeout": 30}
    client: dict[str, Any] = {"config": config}
    if region := query.pop("region", ""):
        client["region_name"] = region
    if endpoint := query.pop("api_url", ""):
        client["endpoint_url"] = endpoint
    return {"client_params": client}


def _provider(parts: SplitResult, *, name: str) -> tuple[str, dict[str, Any]]:
    module, user_option, password_option, host_option = PROVIDERS[parts.scheme]
    user, password, host = (
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        parts.netloc.rpartition("@")[2],
    )
    if (
        not parts.username and not host_option
    ):  # postmark://TOKEN: the whole of it is the key, in its own case
        user, host = unquote(parts.netloc), ""
    if not user:
        raise ImproperlyConfigured(
            f"{name} has no key: write {parts.scheme}://KEY" + ("@DOMAIN." if host_option else ".")
        )
    options = {user_option: user}
    if password_option:
        options[password_option] = password
    if host_option and host:
        options[host_option] = host
    return ANYMAIL.format(module), options
