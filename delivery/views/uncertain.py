"""Who may have it and who does not: the uncertain with their evidence, and lists to take along."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from delivery import control, evidence, waiting
from delivery.models import Attempt, Delivery
from delivery.views import desk
from newsletter import given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

PAGE = 100
COLUMNS = [
    "address",
    "state",
    "reason",
    "detail",
    "since",
    "mailer",
    "handed over at",
    "answer",
    "key",
    "message id",
]
# A cell that begins like this is a formula to a spreadsheet, and a provider's words or an address may begin like this.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@staff_member_required
@desk.may_watch
@desk.may_see_readers
@never_cache
@require_safe
def uncertain(request: HttpRequest, dispatch_id: int) -> HttpResponse:
    found = desk.dispatch_or_404(dispatch_id)
    after = given.number(request.GET.get("after", ""))
    rows = evidence.page(found.pk, after=after, size=PAGE)
    total, settleable = evidence.count_uncertain(found.pk)
    context = {
        "dispatch": found,
        "total": total,
        "settleable": settleable,
        "why_not_again": control.why_not_again(found, is_corrected=control.is_corrected(found)),
        "groups": _by_hand_over(rows[:PAGE]),
        "is_first": not after,
        "next": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "title": _("Uncertain readers"),
    }
    with timezone.override(found.issue.newsletter.time_zone):
        return desk.page(request, "delivery/uncertain.html", context)


def _by_hand_over(rows: Iterable[Delivery]) -> list[dict[str, Any]]:
    """Readers of one hand-over share what is known of it, so it is said once above their addresses."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row.attempt_id, row.reason, row.detail, row.settled_at)
        group = groups.setdefault(key, {"one": row, "attempt": row.attempt, "readers": []})
        group["readers"].append({"address": evidence.address(row), "provider_id": row.provider_id})
    for group in groups.values():
        group["mailer"] = waiting.mailer_name(group["attempt"].mailer)
    return list(groups.values())


@staff_member_required
@desk.may_watch
@desk.may_see_readers
@never_cache
@require_safe
def export(request: HttpRequest, dispatch_id: int, state: str) -> HttpResponseBase:
    """A CSV file of everybody in one state, written while it is read: a million rows take no memory."""
    found = desk.dispatch_or_404(dispatch_id)
    answer = StreamingHttpResponse(_lines(found.pk, state), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.issue.slug}-{state}.csv"'
    return answer


def _lines(dispatch_id: int, state: str) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for delivery in evidence.rows(dispatch_id, state=state):
        yield writer.writerow([_safe(cell) for cell in _cells(delivery)])


def _cells(delivery: Delivery) -> list[str]:
    attempt = delivery.attempt or Attempt()
    return [
        evidence.address(delivery),
        delivery.state,
        delivery.reason,
        delivery.detail,
        _time(delivery.settled_at),
        attempt.mailer if delivery.attempt else "",
        _time(attempt.started_at) if delivery.attempt else "",
        attempt.detail,
        attempt.key,
        delivery.provider_id,
    ]


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


class _Echo:
    """csv writes into it, and gets back what it wrote."""

    def write(self, line: str) -> str:
        return line
