"""What a provider's refusal means, by its own codes and words. What is not listed here goes by its HTTP status.

The question is always the same: is it this reader, this call, or everything that is still to come? A day's or a
month's quota counts as the last: it is a person who should know that half the readers wait for tomorrow, and the
dispatch goes on at their word; to try again each hour would be to be silently late.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from delivery.exceptions import AccountRefused, CallRefused, Transient, Uncertain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from delivery.exceptions import SendError

LONGEST_WORDS = 500  # characters of a provider's answer that are kept


@dataclass(frozen=True, slots=True)
class Rule:
    """Holds when one of the codes is in the answer, or when the answer has such words."""

    verdict: type[SendError]
    codes: frozenset[str] = frozenset()
    words: re.Pattern[str] | None = None

    def holds(self, codes: set[str], words: str) -> bool:
        return bool(self.codes & codes) or bool(self.words and self.words.search(words))


def _rule(verdict: type[SendError], codes: str = "", *, words: str = "") -> Rule:
    pattern = re.compile(words, re.IGNORECASE) if words else None
    return Rule(verdict, frozenset(codes.split()), pattern)


SENDER = (
    r"\b(from|sender)\b.{0,80}\b(not|invalid|unverified|missing|match)|verif\w+ (a|your|the) (domain|sender)"
)
# The first rule that holds is the one that counts.
RULES: dict[str, tuple[Rule, ...]] = {
    "brevo": (
        _rule(AccountRefused, "not_enough_credits unauthorized permission_denied account_under_validation"),
        _rule(AccountRefused, words=r"\bsender\b|your (domain|account)|idempotencyKey"),
        _rule(Transient, "too_many_requests"),
    ),
    "mailgun": (
        _rule(Transient, words=r"too many requests|rate limit|limit exceeded"),
        _rule(
            AccountRefused,
            words=r"\bfrom parameter|not allowed to send|unverified|sandbox|test purposes|disabled",
        ),
    ),
    "mailersend": (
        _rule(
            AccountRefused,
            "from from.email headers",
            words=r"MS42207|MS42225|limit (has been )?reached|trial",
        ),
    ),
    "mailjet": (
        _rule(CallRefused, words=r"\[To\b"),
        _rule(AccountRefused, "send-0008 send-0010 mj-0001", words=r"\[(From|Sender|ReplyTo)\b"),
    ),
    "mailtrap": (
        _rule(
            AccountRefused,
            words=r"unauthorized|forbidden|\bfrom\b|domain is not|not verified|suspended|limit",
        ),
    ),
    "mandrill": (
        _rule(AccountRefused, "Invalid_Key PaymentRequired Unknown_Subaccount"),
        _rule(CallRefused, "ValidationError"),
    ),
    "postal": (
        _rule(
            AccountRefused,
            "AccessDenied InvalidServerAPIKey ServerSuspended UnauthenticatedFromAddress FromAddressMissing",
        ),
        _rule(CallRefused, words=r"."),  # it says "error" under 200, and then took nothing
    ),
    "postmark": (
        _rule(CallRefused, "402 403 406 409 410 411"),
        _rule(AccountRefused, "10 400 401 405 412 413", words=r"credits"),
        _rule(AccountRefused, " ".join(map(str, range(1220, 1240))), words=r"message stream"),
        _rule(Transient, "100 429"),
        _rule(
            AccountRefused, words=r"'(From|ReplyTo|Reply-To|Metadata|Headers)'|metadata|TextBody or HtmlBody"
        ),
        _rule(CallRefused, "300"),
    ),
    "resend": (
        # Our own first call is still under way there. It may be asked again under the same key.
        _rule(Transient, "concurrent_idempotent_requests"),
        # The key is known, so something went out; it is not what we say now.
        _rule(Uncertain, "invalid_idempotent_request"),
        _rule(
            AccountRefused, "daily_quota_exceeded monthly_quota_exceeded invalid_from_address invalid_access"
        ),
        _rule(
            AccountRefused,
            "invalid_api_key missing_api_key restricted_api_key method_not_allowed security_error",
        ),
        _rule(AccountRefused, "invalid_idempotency_key", words=SENDER),
        _rule(Transient, "rate_limit_exceeded"),
    ),
    "scaleway": (_rule(AccountRefused, "quotas_exceeded permissions_denied denied_authentication"),),
    "sendgrid": (
        _rule(AccountRefused, "from from.email reply_to reply_to_list", words=r"maximum credits|" + SENDER),
    ),
    "ses": (
        _rule(
            AccountRefused,
            words=r"daily (message )?quota|not verified|suspended|paused|security token|credential",
        ),
        _rule(
            AccountRefused,
            "AccountSuspendedException SendingPausedException MailFromDomainNotVerifiedException NotFoundException"
            " AccessDeniedException ExpiredTokenException ExpiredToken UnrecognizedClientException RequestExpired",
        ),
        _rule(Transient, "Throttling ThrottlingException TooManyRequestsException LimitExceededException"),
        _rule(CallRefused, "MessageRejected BadRequestException"),
    ),
    "sparkpost": (
        _rule(AccountRefused, "1902 2102 2103 7001", words=r"sending (limit|domain)|daily|monthly|suspend"),
    ),
    "unisender-go": (
        _rule(AccountRefused, "102 103 114 203 205 217", words=r"not (confirmed|verified)|balance"),
    ),
}


def by_words(provider: str, answer: Any) -> type[SendError] | None:
    """What the provider's own codes and words mean, when we know them."""
    codes, words = codes_of(answer), said(answer)
    return next((rule.verdict for rule in RULES.get(provider, ()) if rule.holds(codes, words)), None)


def said(answer: Any) -> str:
    """The words of an answer, for a person."""
    if isinstance(answer, str):
        return answer.strip()[:LONGEST_WORDS]
    return "; ".join(dict.fromkeys(_words(answer)))[:LONGEST_WORDS]


def codes_of(answer: Any) -> set[str]:
    """Everything in an answer that names a kind of error."""
    return {str(value) for name, value in _leaves(answer) if name in CODES}


CODES = {"code", "name", "type", "field", "ErrorCode", "Code"}
WORDS = {"message", "Message", "ErrorMessage", "error", "description", "help_message"}


def _words(answer: Any) -> Iterator[str]:
    if isinstance(answer, dict) and isinstance(related := answer.get("ErrorRelatedTo"), list):  # Mailjet
        yield f"{answer.get('ErrorMessage', '')} [{', '.join(map(str, related))}]"
        return
    for name, value in (
        answer.items() if isinstance(answer, dict) else (("", value) for value in answer or ())
    ):
        if isinstance(value, str) and (name in WORDS or not name):
            yield value.strip()
        elif isinstance(value, dict | list):
            yield from _words(value)


def _leaves(answer: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(answer, list):
        for value in answer:
            yield from _leaves(value)
    elif isinstance(answer, dict):
        for name, value in answer.items():
            if isinstance(value, dict | list):
                yield from _leaves(value)
            else:
                yield name, value
