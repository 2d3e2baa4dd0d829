"""What a reader's own links in an issue lead to. GET changes nothing: scanners open every link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from delivery import answers
from delivery.models import Answer, Dispatch
from newsletter import rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue
from newsletter.views.archive import issue_page
from subscribers import tokens
from subscribers.models import Subscription
from subscribers.views import was_a_test

if TYPE_CHECKING:
    from django.http import HttpRequest

    from subscribers.tokens import ReaderClaim

# The pages are of one reader alone: no cache between us and them may keep one.
privately = cache_control(private=True, no_store=True)


@require_safe
@privately
def read(request: HttpRequest, token: str) -> HttpResponse:
    """The whole page of an issue that only its readers may read. Nothing on it says who that reader is."""
    claim = _claim(token, purpose="read")
    if claim and claim.subscription_id == tokens.NOBODY:
        return was_a_test(request, link="read")
    issue = _issue(claim) if claim else None
    if issue is None or issue.status != Issue.Status.SENT:
        return _unknown(request)
    return issue_page(request, issue, is_whole=True, is_for_its_reader=True)


@csrf_exempt  # the signed link is the key, as in unsubscribing; no cookie is set
@require_http_methods(["GET", "HEAD", "POST"])
@privately
def feedback(request: HttpRequest, token: str) -> HttpResponse:
    claim = _claim(token, purpose="feedback")
    if claim and claim.subscription_id == tokens.NOBODY:
        return was_a_test(request, link="feedback")
    issue = _issue(claim) if claim else None
    if claim is None or issue is None or not _is_reader(claim, issue):
        return _unknown(request)
    verdicts = list(Answer.Verdict)
    given = (request.POST if request.method == "POST" else request.GET).get("answer", "")
    verdict = next((each for each in verdicts if each == given), None)
    if request.method == "POST" and verdict:
        answers.give(issue, subscription_id=claim.subscription_id, verdict=verdict)
    context = {
        "newsletter": issue.newsletter,
        "issue": issue,
        "verdicts": verdicts,
        "chosen": verdict,
        "is_given": request.method == "POST" and verdict is not None,
    }
    with spoken_by(issue.newsletter):
        question = rendering.feedback_question(issue.body)
        response = render(request, "delivery/feedback.html", context | {"question": question})
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _claim(token: str, *, purpose: str) -> ReaderClaim | None:
    try:
        return tokens.read_reader_token(token, purpose=purpose)
    except tokens.InvalidToken:
        return None


def _issue(claim: ReaderClaim) -> Issue | None:
    dispatch = Dispatch.objects.filter(pk=int(claim.mark)).only("issue__newsletter").first()
    return Issue.objects.select_related("newsletter").get(pk=dispatch.issue_id) if dispatch else None


def _is_reader(claim: ReaderClaim, issue: Issue) -> bool:
    """Whoever was erased has no answer to give any more."""
    return Subscription.objects.filter(pk=claim.subscription_id, newsletter=issue.newsletter_id).exists()


def _unknown(request: HttpRequest) -> HttpResponse:
    response = render(request, "subscribers/link_invalid.html", status=404)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
