from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import mailers

ANYMAIL = "anymail.backends.{}.EmailBackend"


@pytest.mark.parametrize(
    ("url", "backend", "options"),
    [
        ("outbox://", "outbox.backend.EmailBackend", {}),
        (
            "mailgun://key-1@mg.example.com?api_url=http://localhost:1/v3",
            ANYMAIL.format("mailgun"),
            {"api_key": "key-1", "sender_domain": "mg.example.com", "api_url": "http://localhost:1/v3"},
        ),
        (
            "postmark://AbC-9?message_stream=broadcast",
            ANYMAIL.format("postmark"),
            {"server_token": "AbC-9", "message_stream": "broadcast"},
        ),
        ("resend://re_Ab_C", ANYMAIL.format("resend"), {"api_key": "re_Ab_C"}),
        (
            "postmark://t?requests_timeout=20&use_bulk_api=true",
            ANYMAIL.format("postmark"),
            {"server_token": "t", "requests_timeout": 20, "use_bulk_api": True},
        ),
        ("mailjet://k:s%2Fx@", ANYMAIL.format("mailjet"), {"api_key": "k", "secret_key": "s/x"}),
        ("scaleway://secret@project", ANYMAIL.format("scaleway"), {"secret_key": "secret", "project_id": "project"}),
        (
            "ses://?region=eu-west-1",
            ANYMAIL.format("amazon_ses"),
            {"client_params": {
                "config": {"retries": {"total_max_attempts": 1}, "connect_timeout": 5, "read_timeout": 30},
                "region_name": "eu-west-1",
            }},
        ),
        (
            "smtp://us%40er:p%3Aw@mail.example.com?tls=1",
            "django.core.mail.backends.smtp.EmailBackend",
            {"host": "mail.example.com", "port": 587, "username": "us@er", "password": "p:w", "use_tls": True,
             "use_ssl": False, "timeout": 30},
        ),
    ],
)  # fmt: skip
def test_url_becomes_djangos_mailer(url: str, backend: str, options: dict[str, object]) -> None:
    assert mailers.parse(url, name="MAILER_URL").as_setting() == {"BACKEND": backend, "OPTIONS": options}


def test_hand_over_options_are_ours_and_not_the_backends() -> None:
    ours = "batch_size=250&concurrency=2&per_second=100&per_hour=9000&per_day=50000"

    mailer = mailers.parse(f"mailgun://k@d?{ours}", name="MAILER_URL")

    assert (mailer.hand_over, mailer.options) == (
        {"batch_size": 250, "concurrency": 2, "per_second": 100, "per_hour": 9000, "per_day": 50000},
        {"api_key": "k", "sender_domain": "d"},
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pigeon://coop", "begins with 'pigeon'://"),
        ("", "which is none of"),
        ("smtp://", "names no host"),
        ("smtp://host:port", "not a mailer URL"),
        ("smtp://host?timeout=soon", "whole seconds"),
        ("mailgun://mg.example.com", "has no key"),
        ("postmark://", "has no key"),
        ("mailgun://k@d?batch_size=many", "batch_size must be"),
        ("mailgun://k@d?per_second=0.5", "per_second must be a whole number from 1"),
        ("mailgun://k@d?per_day=0", "per_day must be a whole number from 1"),
    ],
)
def test_wrong_url_is_refused_without_repeating_it(url: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words) as refused:
        mailers.parse(url, name="MAILER_URL")

    assert "MAILER_URL" in str(refused.value)
