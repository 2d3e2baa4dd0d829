"""Each provider's real answers, as manuals and users show them, and what follows from them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from delivery.exceptions import AccountRefused, CallRefused, SendError, Transient, Uncertain
from delivery.gateway import receipts
from delivery.gateway.answers import by_answer
from delivery.messages import Receipt, Recipient

RESEND_DAILY = "You have reached your daily email sending quota."
POSTMARK_INACTIVE = (
    "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: bob@example.com."
    " Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."
)
REFUSALS: list[tuple[str, int, Any, type[SendError]]] = [
    # Mailgun: words only.
    ("mailgun", 400, {"message": "to parameter is not a valid address. please check documentation"}, CallRefused),
    ("mailgun", 400, {"message": "from parameter is not a valid address. please check documentation"}, AccountRefused),
    ("mailgun", 400, {"message": "recipient-variables parameter is not a valid JSON dictionary"}, CallRefused),
    ("mailgun", 401, "Forbidden", AccountRefused),
    ("mailgun", 403, {"message": "Domain mg.example.com is not allowed to send: Please activate it"}, AccountRefused),
    ("mailgun", 400, {"message": "Sandbox subdomains are for test purposes only."}, AccountRefused),
    ("mailgun", 400, {"message": "The domain is unverified and requires DNS configuration."}, AccountRefused),
    ("mailgun", 404, {"message": "Domain not found: mg.example.com"}, AccountRefused),
    ("mailgun", 413, "Request Entity Too Large", CallRefused),
    ("mailgun", 420, {"message": "Domain mg.example.com is not allowed to send: recipient limit exceeded"}, Transient),
    ("mailgun", 429, {"message": "Too many requests"}, Transient),
    ("mailgun", 500, {"message": "Internal Server Error"}, Uncertain),
    # Resend: a name for each error.
    ("resend", 400, {"statusCode": 400, "name": "validation_error", "message": "Invalid `to` field."}, CallRefused),
    ("resend", 422, {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}, CallRefused),
    ("resend", 422, {"statusCode": 422, "name": "invalid_from_address", "message": "Invalid `from`."}, AccountRefused),
    ("resend", 401, {"statusCode": 401, "name": "missing_api_key", "message": "Missing API key."}, AccountRefused),
    ("resend", 403, {"statusCode": 403, "name": "invalid_api_key", "message": "API key is invalid."}, AccountRefused),
    ("resend", 403, {"name": "validation_error", "message": "The x.example domain is not verified."}, AccountRefused),
    ("resend", 409, {"name": "concurrent_idempotent_requests", "message": "still in progress"}, Transient),
    ("resend", 409, {"name": "invalid_idempotent_request", "message": "different payload"}, Uncertain),
    ("resend", 409, '{"statusCode": 409, "name": "concurrent_idemp', Uncertain),
    ("resend", 413, "<html>Request Entity Too Large</html>", CallRefused),
    ("resend", 429, {"name": "rate_limit_exceeded", "message": "Too many requests."}, Transient),
    ("resend", 429, {"name": "daily_quota_exceeded", "message": RESEND_DAILY}, AccountRefused),
    ("resend", 429, {"name": "monthly_quota_exceeded", "message": "monthly quota"}, AccountRefused),
    ("resend", 451, {"name": "security_error", "message": "We may have found a security issue."}, AccountRefused),
    ("resend", 500, {"name": "application_error", "message": "An unexpected error occurred."}, Uncertain),
    # Postmark: an ErrorCode, for a call and for each mail in it.
    ("postmark", 401, {"ErrorCode": 10, "Message": "The Server Token you provided was invalid."}, AccountRefused),
    ("postmark", 503, {"ErrorCode": 100, "Message": "Maintenance"}, Transient),
    ("postmark", 422, {"ErrorCode": 300, "Message": "Invalid 'To' address: 'bob@'."}, CallRefused),
    ("postmark", 422, {"ErrorCode": 300, "Message": "Error parsing 'To': Illegal email domain 'x'."}, CallRefused),
    ("postmark", 422, {"ErrorCode": 300, "Message": "Invalid 'From' address: 'x'."}, AccountRefused),
    ("postmark", 422, {"ErrorCode": 300, "Message": "Invalid metadata content. Field names"}, AccountRefused),
    ("postmark", 422, {"ErrorCode": 400, "Message": "The 'From' address is not a Sender Signature"}, AccountRefused),
    ("postmark", 422, {"ErrorCode": 401, "Message": "The sender signature is not confirmed"}, AccountRefused),
    ("postmark", 422, {"ErrorCode": 402, "Message": "Received invalid JSON input."}, CallRefused),
    ("postmark", 422, {"ErrorCode": 405, "Message": "You ran out of credits."}, AccountRefused),
    ("postmark", 422, {"ErrorCode": 406, "Message": POSTMARK_INACTIVE}, CallRefused),
    ("postmark", 422, {"ErrorCode": 410, "Message": "A batch may only contain up to 500 messages."}, CallRefused),
    ("postmark", 422, {"ErrorCode": 412, "Message": "Your account is pending approval."}, AccountRefused),
    ("postmark", 422, {"ErrorCode": 413, "Message": "This account may not send."}, AccountRefused),
    ("postmark", 422, {"ErrorCode": 1235, "Message": "The stream provided: 'x' does not exist"}, AccountRefused),
    ("postmark", 429, {"ErrorCode": 429, "Message": "Rate limit exceeded."}, Transient),
    ("postmark", 403, "<html><head><title>403 Forbidden</title></head></html>", AccountRefused),
    ("postmark", 413, "", CallRefused),
    ("postmark", 500, {"ErrorCode": 0, "Message": "Internal Server Error"}, Uncertain),
    # SendGrid: the field that it does not like.
    (
        "sendgrid", 400,
        {"errors": [{"message": "Does not contain a valid address.", "field": "personalizations.7.to.0.email"}]},
        CallRefused,
    ),
    ("sendgrid", 400, {"errors": [{"message": "The from email is required.", "field": "from.email"}]}, AccountRefused),
    ("sendgrid", 401, {"errors": [{"message": "Maximum credits exceeded", "field": None}]}, AccountRefused),
    (
        "sendgrid", 403,
        {"errors": [{"message": "The from address does not match a verified Sender Identity.", "field": "from"}]},
        AccountRefused,
    ),
    ("sendgrid", 413, {"errors": [{"message": "Payload too large", "field": None}]}, CallRefused),
    ("sendgrid", 429, {"errors": [{"message": "too many requests", "field": None}]}, Transient),
    # Mailjet, when it takes none.
    ("mailjet", 401, {"ErrorCode": "mj-0002", "StatusCode": 401, "ErrorMessage": "API key unknown"}, AccountRefused),
    ("mailjet", 400, {"ErrorCode": "mj-0031", "StatusCode": 400, "ErrorMessage": "Malformed JSON"}, CallRefused),
    ("mailjet", 429, {"ErrorCode": "mj-0004", "StatusCode": 429, "ErrorMessage": "Too many requests"}, Transient),
    # Mailtrap: words in a list.
    ("mailtrap", 400, {"success": False, "errors": ["'to' address is invalid"]}, CallRefused),
    ("mailtrap", 400, {"success": False, "errors": ["'from' is required"]}, AccountRefused),
    ("mailtrap", 401, {"success": False, "errors": ["Unauthorized"]}, AccountRefused),
    ("mailtrap", 429, {"success": False, "errors": ["Too many emails per second"]}, Transient),
    # Brevo: a code for each.
    ("brevo", 400, {"code": "invalid_parameter", "message": "email is not valid in to"}, CallRefused),
    (
        "brevo", 400,
        {"code": "invalid_parameter", "message": "Sending has been rejected because the sender you used is not valid."},
        AccountRefused,
    ),
    ("brevo", 400, '{"code": "duplicate_par', Uncertain),
    ("brevo", 401, {"code": "unauthorized", "message": "Key not found"}, AccountRefused),
    ("brevo", 402, {"code": "not_enough_credits", "message": "Credits are not enough"}, AccountRefused),
    ("brevo", 403, {"code": "permission_denied", "message": "Your SMTP account is not yet activated"}, AccountRefused),
    ("brevo", 429, {"code": "too_many_requests", "message": "Too many requests"}, Transient),
    # Amazon SES.
    ("ses", 400, {"Code": "MessageRejected", "Message": "Address blacklisted."}, CallRefused),
    ("ses", 400, {"Code": "MessageRejected", "Message": "Email address is not verified."}, AccountRefused),
    ("ses", 400, {"Code": "BadRequestException", "Message": "Missing final '@domain'"}, CallRefused),
    ("ses", 400, {"Code": "SendingPausedException", "Message": "Sending is paused"}, AccountRefused),
    ("ses", 400, {"Code": "AccountSuspendedException", "Message": ""}, AccountRefused),
    ("ses", 429, {"Code": "TooManyRequestsException", "Message": "Maximum sending rate exceeded."}, Transient),
    ("ses", 429, {"Code": "TooManyRequestsException", "Message": "Daily message quota exceeded."}, AccountRefused),
    ("ses", 400, {"Code": "LimitExceededException", "Message": ""}, Transient),
    ("ses", 403, {"Code": "SignatureDoesNotMatch", "Message": ""}, AccountRefused),
    ("ses", 500, {"Code": "InternalFailure", "Message": ""}, Uncertain),
    # SparkPost.
    (
        "sparkpost", 400,
        {"errors": [{"code": "7001", "message": "Unconfigured Sending Domain <daily.example>"}]},
        AccountRefused,
    ),
    ("sparkpost", 420, {"errors": [{"code": "2102", "message": "Exceed Sending Limit (daily)"}]}, AccountRefused),
    ("sparkpost", 422, {"errors": [{"code": "1300", "message": "invalid data format/type"}]}, CallRefused),
    ("sparkpost", 429, {"errors": [{"message": "Too many requests"}]}, Transient),
    # Postal, which says it under 200.
    ("postal", 200, {"status": "error", "data": {"code": "InvalidServerAPIKey", "message": "no"}}, AccountRefused),
    ("postal", 200, {"status": "error", "data": {"code": "UnauthenticatedFromAddress"}}, AccountRefused),
    ("postal", 200, {"status": "parameter-error", "data": {"code": "NoRecipients", "message": "None"}}, CallRefused),
    # Scaleway.
    ("scaleway", 400, {"type": "invalid_arguments", "details": [{"argument_name": "to"}]}, CallRefused),
    ("scaleway", 403, {"type": "quotas_exceeded", "message": "quota exceeded"}, AccountRefused),
    # Mandrill, which says everything under 500.
    ("mandrill", 500, {"status": "error", "code": -1, "name": "Invalid_Key", "message": "no"}, AccountRefused),
    ("mandrill", 500, {"status": "error", "code": -2, "name": "ValidationError", "message": "no"}, CallRefused),
    ("mandrill", 500, {"status": "error", "code": -99, "name": "GeneralError", "message": "no"}, Uncertain),
    # Anybody.
    ("mailersend", 422, {"message": "The from.email domain must be verified #MS42207"}, AccountRefused),
    ("mailersend", 422, {"message": "The to.0.email must be a valid email address."}, CallRefused),
    ("unheard-of", 307, "", AccountRefused),
    ("unheard-of", 303, "", Uncertain),
    ("unheard-of", 502, "<html>Bad Gateway</html>", Uncertain),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "status", "answer", "expected"), REFUSALS, ids=str)
def test_providers_words_say_what_to_do_next(
    provider: str, status: int, answer: Any, expected: type[SendError]
) -> None:
    assert type(by_answer(provider, status, answer)) is expected


@pytest.mark.parametrize(
    ("headers", "expected", "seconds"),
    [({"Retry-After": "30"}, Transient, 30.0), ({}, Uncertain, None)],
)
def test_503_was_not_taken_only_where_a_time_is_named(
    headers: dict[str, str], expected: type[SendError], seconds: float | None
) -> None:
    error = by_answer("mailgun", 503, "Service Unavailable", headers)

    assert (type(error), getattr(error, "retry_after", None)) == (expected, seconds)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Retry-After", "40"), ("ratelimit-reset", "40"), ("x-sib-ratelimit-reset", "40")],
)
def test_wait_is_read_where_the_provider_names_it(name: str, value: str) -> None:
    error = by_answer("resend", 429, {}, {name: value})

    assert error.retry_after == 40.0


def test_editor_reads_the_providers_words_and_no_json() -> None:
    answer = {"errors": [{"message": "Maximum credits exceeded", "field": None, "help": None}]}

    assert str(by_answer("sendgrid", 401, answer)) == "Maximum credits exceeded"


ADA, BOB, CLEO = (
    Recipient(number, f"{name}@example.com", {}) for number, name in enumerate(("ada", "bob", "cleo"), 1)
)


def response(status: int, body: Any, **headers: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    made.headers.update(headers)
    return made


def mailjet_error(code: str, status: int, words: str, *related: str) -> dict[str, Any]:
    error = {"ErrorCode": code, "StatusCode": status, "ErrorMessage": words, "ErrorRelatedTo": list(related)}
    return {"Status": "error", "Errors": [error]}


OK = {"ErrorCode": 0, "Message": "OK"}
MAILJET_OK = {"Status": "success", "To": [{"Email": "ada@example.com", "MessageID": 7}]}
PARTS: list[tuple[str, int, Any, Receipt]] = [
    (
        "postmark", 200,
        [OK | {"MessageID": "a"}, {"ErrorCode": 406, "Message": POSTMARK_INACTIVE}, OK | {"MessageID": "c"}],
        Receipt(accepted={1: "a", 3: "c"}, refused={2: POSTMARK_INACTIVE}),
    ),
    (
        "mailtrap", 200,
        {"success": True, "responses": [
            {"success": True, "message_ids": ["a"]},
            {"success": False, "errors": ["'to' address is invalid"]},
            {"success": True, "message_ids": ["c"]},
        ]},
        Receipt(accepted={1: "a", 3: "c"}, refused={2: "'to' address is invalid"}),
    ),
    (
        "mailjet", 400,
        {"Messages": [
            MAILJET_OK,
            mailjet_error("mj-0013", 400, '"bob" is an invalid email address.', "To[0].Email"),
            MAILJET_OK,
        ]},
        Receipt(
            accepted={1: "7", 3: "7"}, refused={2: '"bob" is an invalid email address. [To[0].Email]'}
        ),
    ),
    (
        "mailgun", 200, {"id": "<1@x>", "message": "Queued. Thank you."},
        Receipt(accepted=dict.fromkeys((1, 2, 3), "<1@x>")),
    ),
    ("resend", 200, {"data": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}, Receipt(accepted={1: "a", 2: "b", 3: "c"})),
    ("brevo", 201, {"messageIds": ["a", "b", "c"]}, Receipt(accepted={1: "a", 2: "b", 3: "c"})),
    ("brevo", 201, {"messageId": "a"}, Receipt(accepted=dict.fromkeys((1, 2, 3), ""))),
    (
        "brevo", 400, {"code": "duplicate_parameter", "message": "idempotencyKey is already used"},
        Receipt(accepted=dict.fromkeys((1, 2, 3), "")),
    ),
    ("sendgrid", 202, b"", Receipt(accepted=dict.fromkeys((1, 2, 3), "xyz"))),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "status", "body", "expected"), PARTS, ids=str)
def test_answer_is_read_reader_by_reader(provider: str, status: int, body: Any, expected: Receipt) -> None:
    answer = response(status, body, **{"X-Message-Id": "xyz"})

    assert receipts.read(provider, answer, [ADA, BOB, CLEO]) == expected


@pytest.mark.parametrize(
    ("provider", "status", "body"),
    [
        ("postmark", 200, [OK | {"MessageID": "a"}, {"ErrorCode": 405, "Message": "Out of credits."}] * 2),
        (
            "mailjet", 400,
            {"Messages": [MAILJET_OK, mailjet_error("send-0008", 403, "Out of credits.", "From")] * 2},
        ),
    ],
)  # fmt: skip
def test_account_that_is_refused_midway_fails_nobody(provider: str, status: int, body: Any) -> None:
    dan = Recipient(4, "dan@example.com", {})

    receipt = receipts.read(provider, response(status, body), [ADA, BOB, CLEO, dan])

    assert (list(receipt.accepted), receipt.refused, type(receipt.stopped_by)) == ([1, 3], {}, AccountRefused)


def test_readers_who_are_all_refused_are_not_to_blame() -> None:
    many = [Recipient(number, f"r{number}@example.com", {}) for number in range(20)]
    body = [{"ErrorCode": 300, "Message": "Invalid 'To' address."}] * 20

    receipt = receipts.read("postmark", response(200, body), many)

    assert (receipt.refused, type(receipt.stopped_by)) == ({}, AccountRefused)


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("resend", {"data": [{"id": "a"}]}),
        ("postmark", [OK | {"MessageID": "a"}]),
        ("postmark", [OK, OK, OK]),
        ("mailtrap", {"success": True, "responses": []}),
        ("mailgun", {"id": "a", "message": "Mailgun Magnificent API"}),
        ("sendgrid", {}),
    ],
)
def test_list_that_does_not_fit_the_call_leaves_all_in_doubt(provider: str, body: Any) -> None:
    receipt = receipts.read(provider, response(200, body), [ADA, BOB, CLEO])

    assert (list(receipt.uncertain), type(receipt.stopped_by)) == ([1, 2, 3], Uncertain)
