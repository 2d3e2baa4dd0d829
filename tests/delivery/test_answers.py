from __future__ import annotations

import email.utils
import time

import pytest
import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailRequestsAPIError,
    AnymailUnsupportedFeature,
)
from botocore.exceptions import ClientError, EndpointConnectionError

from delivery.exceptions import AccountRefused, CallRefused, SendError, Transient, Uncertain
from delivery.gateway.answers import retry_after, verdict


def api_error(status: int, body: str = "", headers: dict[str, str] | None = None) -> AnymailRequestsAPIError:
    response = requests.Response()
    response.status_code, response._content = status, body.encode()
    response.headers.update(headers or {})
    return AnymailRequestsAPIError("refused", response=response)


def broken(kind: type[requests.RequestException], cause: str = "") -> Exception:
    """As Anymail raises it: its own error and requests' in one."""
    mixed = type("AnymailRequestsAPIError", (AnymailRequestsAPIError, kind), {})
    error = mixed("Error posting")
    error.__cause__ = kind(cause)
    return error


def amazon(code: str, status: int) -> Exception:
    """As Anymail raises what Amazon's client raised."""
    answer = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = AnymailAPIError("SES")
    error.__cause__ = ClientError(answer, "SendEmail")
    return error


def unreached_amazon() -> Exception:
    error = AnymailAPIError("SES")
    error.__cause__ = EndpointConnectionError(endpoint_url="https://email.eu-west-1.amazonaws.com")
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (broken(requests.ConnectTimeout), Transient),
        (
            broken(requests.exceptions.SSLError, "SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED"),
            Transient,
        ),
        (broken(requests.exceptions.SSLError, "[SSL] record layer failure"), Uncertain),
        (amazon("ThrottlingException", 400), Transient),
        (amazon("MessageRejected", 400), CallRefused),
        (amazon("AccessDeniedException", 403), AccountRefused),
        (amazon("InternalFailure", 500), Uncertain),
        (unreached_amazon(), Transient),
        (broken(requests.ConnectionError, "NewConnectionError: refused"), Transient),
        (broken(requests.ConnectionError, "NameResolutionError: unknown"), Transient),
        (broken(requests.ConnectionError, "('Connection aborted.', RemoteDisconnected())"), Uncertain),
        (broken(requests.ReadTimeout), Uncertain),
        (api_error(429), Transient),
        (api_error(420), Transient),
        (api_error(401), AccountRefused),
        (api_error(402), AccountRefused),
        (api_error(403), AccountRefused),
        (api_error(404), AccountRefused),
        (api_error(400), CallRefused),
        (api_error(413), CallRefused),
        (api_error(422), CallRefused),
        (api_error(500), Uncertain),
        (api_error(502), Uncertain),
        (api_error(503), Uncertain),
        (api_error(200, "<html>"), Uncertain),
        (AnymailAPIError("what?"), Uncertain),
        (AnymailConfigurationError("no key"), AccountRefused),
        (AnymailUnsupportedFeature("merge_headers"), CallRefused),
        (ValueError("Header values can't contain newlines"), CallRefused),
        (MemoryError(), Uncertain),
    ],
    ids=repr,
)
def test_verdict_says_what_to_do_next(error: Exception, expected: type[SendError]) -> None:
    assert type(verdict(error)) is expected


def test_rate_limit_names_the_wait() -> None:
    assert verdict(api_error(429, headers={"Retry-After": "7"})).retry_after == 7.0


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0", 1.0), ("86400", 3600.0), ("", 5.0), ("soon", 5.0)]
)
def test_retry_after_is_bounded(value: str, seconds: float) -> None:
    assert retry_after(value) == seconds


def test_retry_after_reads_a_date() -> None:
    assert 50 < retry_after(email.utils.formatdate(time.time() + 60, usegmt=True)) <= 60
