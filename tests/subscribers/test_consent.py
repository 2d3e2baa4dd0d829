from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone, translation

from newsletter.models import Newsletter, UsualTime
from subscribers import consent, wordings
from subscribers.models import ConsentEvent, Wording
from subscribers.models.consent import AppendOnly
from tests import factories
from tests.subscribers.together import together


@pytest.fixture
def event(daily: Newsletter) -> ConsentEvent:
    ada, *_ = factories.cast(daily)
    return consent.note(consent.Kind.ASKED, ada, consent.at_the_desk("eve"), at=timezone.now())


def test_proof_is_written_once(event: ConsentEvent) -> None:
    event.agent = "another"
    for change in (
        event.save,
        event.delete,
        lambda: ConsentEvent.objects.update(agent="another"),
        lambda: ConsentEvent.objects.bulk_update([event], ["agent"]),
        ConsentEvent.objects.all().delete,
        event.subscriber.consent_events.all().delete,
        lambda: event.subscriber.consent_events.update(agent="another"),
        lambda: ConsentEvent.objects.update_or_create(pk=event.pk, defaults={"agent": "another"}),
    ):
        with pytest.raises(AppendOnly):
            change()

    assert ConsentEvent.objects.get().agent == ""
    assert event.details == {"by": "eve"}


def test_our_words_say_who_what_how_often_and_how_to_leave(daily: Newsletter) -> None:
    UsualTime.objects.create(newsletter=daily, time="06:30")

    assert wordings.shown(daily).text == (
        "By signing up you agree to get The Daily by e-mail 5 times a week."
        " We send you one mail first, and nothing else until you confirm it."
        " You can leave at any time: a link in every mail does it."
        " The publisher is The Daily, 1 Quay Street, Harbour Town."
    )


@pytest.mark.parametrize(
    ("usual", "words"),
    [
        ([], "whenever an issue comes out."),
        ([0b1], "once a week."),
        ([0b1111111], "every day."),
        ([0b1111111, 0b1], "8 times a week."),
        ([0b11, 0b100], "3 times a week."),
    ],
)
def test_how_often_is_said_by_the_usual_times(daily: Newsletter, usual: list[int], words: str) -> None:
    for hour, days in enumerate(usual):
        UsualTime.objects.create(newsletter=daily, days=days, time=f"{hour:02}:00")

    assert wordings.shown(daily).text.startswith(
        f"By signing up you agree to get The Daily by e-mail {words} "
    )


def test_who_need_not_confirm_is_told_so(daily: Newsletter) -> None:
    daily.confirms_by_mail = False

    assert "It begins at once, without a mail that asks you to confirm." in wordings.shown(daily).text


def test_newsletters_own_words_are_one_wording_in_its_language(daily: Newsletter) -> None:
    Newsletter.objects.update(consent_words=" Ja, ich will.\n", language="de")
    daily.refresh_from_db()

    wordings.keep(daily)

    kept = Wording.objects.get()
    assert (kept.version, kept.language, kept.text) == (1, "de", "Ja, ich will.")
    with translation.override("fr"):
        assert wordings.note(daily, wordings.shown(daily).digest) == kept.pk


def test_wording_of_before_is_still_found_by_its_digest(daily: Newsletter) -> None:
    before = wordings.shown(daily)
    wordings.keep(daily)
    Newsletter.objects.update(name="The Nightly")
    daily.refresh_from_db()
    wordings.keep(daily)

    found = Wording.objects.get(pk=wordings.note(daily, before.digest))
    now = Wording.objects.get(pk=wordings.note(daily, wordings.shown(daily).digest))

    assert (found.text, found.version, now.version > found.version) == (before.text, 1, True)


def test_wording_is_kept_once_however_often_it_is_looked_at(daily: Newsletter) -> None:
    noted = {wordings.note(daily, wordings.shown(daily).digest) for _ in range(3)}
    count = Wording.objects.count()
    wordings.keep(daily)

    assert (len(noted), Wording.objects.count(), None in noted) == (1, count, False)
    assert sorted(Wording.objects.values_list("version", flat=True)) == list(range(1, count + 1))


def test_digest_that_nothing_stands_for_is_looked_for_only_twice(
    daily: Newsletter, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        wordings.note(daily, "0" * 64)


def test_digest_that_nothing_stands_for_is_no_wording(daily: Newsletter) -> None:
    weekly = factories.newsletter("weekly", name="The Weekly")

    assert [wordings.note(daily, digest) for digest in ("", "x" * 64, wordings.shown(weekly).digest)] == [
        None
    ] * 3


def test_words_are_kept_as_soon_as_the_settings_are_saved(
    daily: Newsletter, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        daily.consent_words = "Yes."
        daily.save()
    with django_capture_on_commit_callbacks(execute=True):
        Newsletter.objects.filter(pk=daily.pk).update(consent_words="")
        UsualTime.objects.create(newsletter=daily, time="06:30")

    texts = Wording.objects.filter(language="en").order_by("version").values_list("text", flat=True)
    assert [text[:40] for text in texts] == ["Yes.", "By signing up you agree to get The Daily"]


@pytest.mark.django_db(transaction=True)
def test_wordings_kept_by_two_at_once_are_kept_once() -> None:
    daily = factories.newsletter()
    Wording.objects.all().delete()

    together(*[lambda: wordings.keep(daily)] * 4)

    kept = list(Wording.objects.values_list("version", "language"))
    assert len(kept) == len(set(kept)) == len({version for version, _ in kept})
    assert len({language for _, language in kept}) == len(kept)
