from __future__ import annotations

import logging
import runpy
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from gunicorn.config import Config

from config.logs import KEY, WithoutKeys

GUNICORN = Path(settings.BASE_DIR) / "deploy" / "gunicorn.py"
TOKEN = "12.ab~1xV5Nl~lk5Yd"


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (f"/s/manage/{TOKEN}/of/daily/leave/", "/s/manage/***/of/daily/leave/"),
        (f"/s/unsubscribe/{TOKEN}", "/s/unsubscribe/***"),
        (f"/s/mail-link/{TOKEN}?language=de", "/s/mail-link/***?language=de"),
        ("/daily/manage/", "/daily/manage/"),
    ],
)
def test_log_names_no_key_of_a_readers_link(path: str, written: str) -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, "%s: %s", ("Gone", path), None)

    assert WithoutKeys().format(record) == f"Gone: {written}"


@pytest.mark.django_db
def test_a_form_that_is_refused_writes_no_key_into_the_log() -> None:
    """Every logger's lines go through the root's handler, and there the key is left out."""
    handler, lines = _as_configured(settings.LOGGING), StringIO()
    handler.setStream(lines)
    logging.getLogger().addHandler(handler)
    try:
        answer = Client(enforce_csrf_checks=True).post(f"/s/read/{TOKEN}/", {"first_name": "Ada"})
    finally:
        logging.getLogger().removeHandler(handler)

    assert answer.status_code == 403
    assert "django.security.csrf" in lines.getvalue()
    assert "/s/read/***/" in lines.getvalue()
    assert TOKEN not in lines.getvalue()


def test_gunicorn_hides_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configured = runpy.run_path(str(GUNICORN))
    cfg = Config()
    cfg.set("errorlog", "-")
    logger = configured["logger_class"](cfg)
    request: Any = SimpleNamespace(headers=[])
    answer: Any = SimpleNamespace(status="200 OK", headers=[], sent=0)
    environ = {
        "REMOTE_ADDR": "192.0.2.7",
        "RAW_URI": f"/s/mail-link/{TOKEN}/",
        "PATH_INFO": f"/s/mail-link/{TOKEN}/",
        "REQUEST_METHOD": "GET",
        "SERVER_PROTOCOL": "HTTP/1.1",
    }

    atoms = logger.atoms(answer, request, environ, timedelta(milliseconds=12))
    logger.error("Error handling request %s", f"/s/manage/{TOKEN}/")

    assert configured["SIGNED_LINK"] == KEY
    assert "-" not in (configured["access_log_format"] % logger.atoms_wrapper_class(atoms)).split()
    assert TOKEN not in str(atoms)
    assert (atoms["U"], atoms["s"], atoms["L"]) == ("/s/mail-link/***/", "200", "0.012000")
    assert "Error handling request /s/manage/***/" in capsys.readouterr().err


def _as_configured(described: Any) -> Any:
    line = described["formatters"][described["handlers"]["console"]["formatter"]]
    handler = logging.StreamHandler()
    handler.setFormatter(WithoutKeys(line["format"], style=line["style"]))
    assert line["()"] == "config.logs.WithoutKeys"
    return handler


def test_request_for_another_name_is_a_line_and_no_traceback(client: Client) -> None:
    """Machines try all names, and each would write a page into the log."""
    handler, lines = _as_configured(settings.LOGGING), StringIO()
    handler.setStream(lines)
    for name in ("django.security.DisallowedHost", "django.request"):
        logging.getLogger(name).addHandler(handler)
    try:
        answer = client.get("/", HTTP_HOST="evil.example")
    finally:
        for name in ("django.security.DisallowedHost", "django.request"):
            logging.getLogger(name).removeHandler(handler)

    assert answer.status_code == 400
    assert "evil.example" in lines.getvalue()
    assert "Traceback" not in lines.getvalue()
