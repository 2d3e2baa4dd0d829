"""Runs inside Courant (manage.py shell), for desk.py: writes the issues, and what one of them went through."""

from __future__ import annotations

import re
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.utils import timezone

from delivery import control, following, preparation, recording
from delivery.models import Dispatch
from newsletter import faces
from newsletter.models import Issue, Member, Newsletter
from newsletter.samples import SAMPLES
from subscribers import counting

ARTICLE = 60_000  # characters of HTML
SLUG = "morning-courant"
ELSEWHERE = 10  # one issue in so many is of a newsletter that the editor has no part in


def write(issues: int) -> None:
    """An article, many issues that went out, and one that begins to go out to everybody."""
    ours = Newsletter.objects.get(slug=SLUG)
    theirs = Newsletter.objects.create(
        slug="elsewhere", name="Elsewhere", sender_name="Elsewhere", sender_email="editors@elsewhere.example"
    )
    editor = get_user_model().objects.create_user("only-editor", is_staff=True)
    Member.objects.create(newsletter=ours, user=editor, role=Member.Role.EDITOR)
    paragraphs = [found for sample in SAMPLES for found in re.findall(r"<p>.*?</p>", sample.body)]
    body = "".join(paragraphs[place % len(paragraphs)] for place in range(1000))[:ARTICLE]
    Issue.objects.create(newsletter=ours, slug="article", subject="An article", body=body)
    _archive(ours, theirs, issues=issues)
    big = Issue.objects.create(newsletter=ours, slug="big", subject="To everybody", body=SAMPLES[0].body)
    preparation.prepare(preparation.start(big).pk)
    counting.refresh()
    counting.note_days(now=timezone.now())


def _archive(ours: Newsletter, theirs: Newsletter, *, issues: int) -> None:
    now = timezone.now()
    Issue.objects.bulk_create(
        Issue(
            newsletter=ours if number % ELSEWHERE else theirs,
            slug=f"issue-{number}",
            subject=f"What the river keeps, part {number}",
            authors="Ada Moreau",
            body=SAMPLES[number % len(SAMPLES)].body,
            status="sent",
            published_at=now - timedelta(days=number),
        )
        for number in range(1, issues)
    )
    for issue in Issue.objects.filter(slug__startswith="issue-").only("pk", "subject"):
        Dispatch.objects.create(
            issue=issue,
            state="sent",
            mailer="bulk",
            batch_size=500,
            audience_size=0,
            subject=issue.subject,
            sender="a@example.com",
            html="<p>Words.</p>" * 2000,
            text="Words. " * 2000,
            started_at=now - timedelta(days=2),
            finished_at=now - timedelta(days=1),
        )


def stop() -> None:
    """Stopped on its way, mended, and begun once more for the rest."""
    before = Dispatch.objects.get(issue__slug="big")
    control.stop(before.pk)
    recording.settle_stopped(before.pk)
    before.refresh_from_db()
    somebody = get_user_model().objects.filter(is_superuser=True)[0]
    rest = following.start_rest(
        before,
        approved=faces.fingerprint(before.issue),
        expected=following.readers(before)[Dispatch.Audience.REST],
        by=somebody,
    )
    preparation.prepare(rest.pk)
