"""What a reader's own links in an issue lead to. GET changes nothing: scanners open every link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from delivery import answers, freezing, links
from delivery.models import Answer, Dispatch
from newsletter import rendering
from newsletter.models import Issue
from newsletter.views import speaking
from newsletter.views.archive import issue_page
from subscribers import tokens
from subscribers.models import Subscriber
from subscribers.views.bounds import bounded
from subscribers.views.pages import link_is_unknown, was_a_test

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

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
    if claim is None or issue is None or issue.status != Issue.Status.SENT:
        return _unknown(request)
    pages = freezing.readers_pages(issue)
    own_links = {url: links.web_urls(number)(claim.subscription_id) for url, number in pages.items()}
    return issue_page(request, issue, is_whole=True, is_for_its_reader=True, own_links=own_links)


@csrf_exempt  # the signed link is the key, as in unsubscribing; no cookie is set
@require_http_methods(["GET", "HEAD", "POST"])
@privately
@bounded
def feedback(request: HttpRequest, token: str) -> HttpResponse:
    claim = _claim(token, purpose="feedback")
    if claim and claim.subscription_id == tokens.NOBODY:
        return was_a_test(request, link="feedback")
    issue = _issue(claim) if claim else None
    reader = _reader(claim, issue) if claim and issue else None
    if claim is None or issue is None or reader is None:
        return _unknown(request)
    verdicts = list(Answer.Verdict)
    given = (request.POST if request.method == "POST" else request.GET).get("answer", "")
    verdict = next((each for each in verdicts if each == given), None)
    if request.method == "POST" and verdict:
        answers.give(issue, subscription_id=claim.subscription_id, verdict=verdict)
    with speaking.speaking(request, newsletter=issue.newsletter, reader=reader.language):
        question = rendering.feedback_question(issue.body)
    context = {
        "issue": issue,
        "question": question,
        "verdicts": verdicts,
        "chosen": verdict,
        "is_given": request.method == "POST" and verdict is not None,
    }
    template = "delivery/feedback.html"
    response = speaking.page(request, template, context, newsletter=issue.newsletter, reader=reader.language)
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


def _reader(claim: ReaderClaim, issue: Issue) -> Subscriber | None:
    """Whoever was erased has no answer to give any more."""
    return Subscriber.objects.filter(
        subscriptions=claim.subscription_id, subscriptions__newsletter=issue.newsletter_id
    ).first()


def _unknown(request: HttpRequest) -> HttpResponse:
    response = link_is_unknown(request)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
