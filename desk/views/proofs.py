"""Test mails: asking for one, and watching what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from delivery import preparation, proofing, tasks, waiting
from delivery.models import Proof
from desk import previewing
from desk.forms.proof import ProofForm
from desk.views.preview import chosen_reader, issue_for
from newsletter import faces, team
from newsletter.adminsite import person, site
from newsletter.team import Right

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from newsletter.models import Issue
    from subscribers.models import Subscription

SHOWN = 10
PATIENCE = timedelta(seconds=20)  # a worker that runs has taken it by then


@staff_member_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def test(request: HttpRequest, issue_id: int) -> HttpResponse:
    issue = issue_for(request, issue_id, Right.WRITE)
    reader = chosen_reader(request, issue)
    if request.method != "POST":
        known = proofing.last_used(person(request), issue) or [person(request).email]
        form = ProofForm(initial={"addresses": ", ".join(known)})
        return _page(request, issue, form=form, reader=reader)
    form = ProofForm(request.POST)
    return _ask(request, issue, form=form, reader=reader) or _page(
        request, issue, form=form, reader=reader, status=422
    )


def _ask(
    request: HttpRequest, issue: Issue, *, form: ProofForm, reader: Subscription | None
) -> HttpResponse | None:
    """None when something is wrong; then the form says what."""
    if not form.is_valid():
        return None
    addresses = form.cleaned_data["addresses"]
    try:
        proof = proofing.ask(issue, addresses=addresses, by=person(request), reader=reader)
    except proofing.CannotTest as problem:
        form.add_error(None, str(problem))
        return None
    tasks.wake_proof(proof.pk)
    words = ngettext(
        "The test goes to %(count)s address.", "The test goes to %(count)s addresses.", len(addresses)
    )
    messages.success(request, words % {"count": len(addresses)})
    return redirect(reverse("desk:test", args=[issue.pk]) + (f"?reader={reader.pk}" if reader else ""))


@staff_member_required
@never_cache
@require_safe
def proofs(request: HttpRequest, issue_id: int) -> HttpResponse:
    """The part of the page that htmx asks for again while a test is on its way."""
    issue = issue_for(request, issue_id, Right.WRITE)
    with timezone.override(issue.newsletter.time_zone):
        return render(request, "desk/_proofs.html", _state(request, issue))


def _page(
    request: HttpRequest,
    issue: Issue,
    *,
    form: ProofForm,
    reader: Subscription | None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "reader": reader,
        "known": previewing.known_of(reader, labels=previewing.labels(issue.newsletter)) if reader else [],
        "mailer_name": waiting.mailer_name(preparation.MAILER),
        "title": _("Test mail"),
        **_state(request, issue),
    }
    with timezone.override(issue.newsletter.time_zone):
        return render(request, "desk/test.html", site.each_context(request) | context, status=status)


@dataclass(frozen=True, slots=True)
class Shown:
    proof: Proof
    is_stale: bool  # of a text that has been changed since
    is_left: bool  # nobody has taken it, for longer than a worker needs


def _state(request: HttpRequest, issue: Issue) -> dict[str, Any]:
    now, current = timezone.now(), faces.fingerprint(issue)
    rows = issue.proofs.select_related("asked_by", "reader__subscriber")[:SHOWN]
    tests = [
        Shown(
            proof,
            is_stale=proof.content_hash != current,
            is_left=proof.state == Proof.State.WAITING and proof.asked_at < now - PATIENCE,
        )
        for proof in rows
    ]
    last = proofing.latest(issue)
    return {
        "issue": issue,
        "newsletter": issue.newsletter,
        "may_see_readers": team.may(request.user, Right.READERS, issue),
        "tests": tests,
        "last": last,
        "is_stale": last is not None and last.content_hash != current,
        "is_open": any(each.proof.state in proofing.OPEN for each in tests),
    }
