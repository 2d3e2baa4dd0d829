"""What is known of readers beside the database: who opted in to what, and what must hold after each step."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest import mock

from django.db import transaction
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from subscribers import lifecycle
from subscribers.consent import Method
from subscribers.models import ConsentEvent, Subscription, Suppression
from tests import factories
from tests.subscribers.replaying import told_by

Status = Subscription.Status
PEOPLE = ["ada@example.com", "bob@example.com"]
NEWSLETTERS = ["daily", "weekly"]  # the weekly does without a mail to confirm


@dataclass(frozen=True)
class Leaving:
    subscription_id: int
    number: int
    at: datetime
    by: Method
    network: str
    was: str  # the status
    wanted: bool  # whether an opt-in stood behind it


class Story(RuleBasedStateMachine):
    """Nobody is mailed who did not opt in since they last left or were suppressed. An opt-in is one of these:

    - the reader's own confirmation, by a link that was made after they last left;
    - a sign-up where the newsletter does without confirmation, of somebody new to it: who never read it, left it or was
      forgotten by it, and whose address nothing stands against;
    - the publisher's word for somebody new to it in the same sense (an import);
    - their own undo of the very last leaving, or the publisher's, within its time, of what they were before: if they
      left by the page, did not leave once more, and did not confirm anything anew since.

    A bounce ends with a confirmation for any newsletter: it said that the address does not work. Who had asked to be
    mailed by nobody gets what they confirm, and nothing else. A complaint ends by a person's hand alone.

    And whoever may go back can: no sign-up that anybody may have typed, and nothing else, takes that from them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.who = PEOPLE[0]  # of whom nearly everything is told; the other is where they may move to
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)
        self.until = self.now + timedelta(days=500)
        self.clock = mock.patch("django.utils.timezone.now", side_effect=lambda: self.now)
        self.clock.start()
        factories.newsletter("daily")
        factories.newsletter("weekly", confirms_by_mail=False)
        self.wants: dict[tuple[str, str], bool] = defaultdict(bool)  # what an opt-in was made for
        self.is_old: dict[tuple[str, str], bool] = defaultdict(bool)  # not new to it
        self.barred: dict[str, str] = {}
        self.earlier: set[str] = set()  # addresses that were theirs
        # Subscription, generation, and which leavings there were by then.
        self.links: list[tuple[int, int, list[int]]] = []
        self.leavings: dict[int, list[int]] = defaultdict(list)  # those that were not taken back
        self.undo: list[Leaving] = []
        self.final: set[int] = set()  # leavings that nothing takes back
        self.wished_nothing: set[str] = set()  # addresses that asked to be mailed by nobody, or were erased
        self.mailed: dict[str, list[datetime]] = defaultdict(list)

    def teardown(self) -> None:
        self.clock.stop()
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    # --- what is known -----------------------------------------------------------------------------

    def find(self, email: str, slug: str) -> Subscription | None:
        rows = Subscription.objects.with_both()
        return rows.filter(subscriber__email=email, newsletter__slug=slug).first()

    def by_key(self, pk: int) -> Subscription | None:
        return Subscription.objects.with_both().filter(pk=pk).first()

    def pair(self, subscription: Subscription) -> tuple[str, str]:
        return subscription.subscriber.email, subscription.newsletter.slug

    def opted_in(self, pair: tuple[str, str]) -> None:
        self.wants[pair] = self.is_old[pair] = True

    def nothing_is_undone(self, subscriptions: Iterable[Subscription]) -> None:
        for each in subscriptions:
            self.final.update(self.leavings[each.pk])

    def has_left(self, subscription: Subscription, *, was: str, by: Method, network: str = "") -> Leaving:
        """At this moment. Nothing brings back what was before an earlier leaving."""
        pair = self.pair(subscription)
        leaving = Leaving(subscription.pk, len(self.undo), self.now, by, network, was, self.wants[pair])
        self.nothing_is_undone([subscription])
        if by != Method.LINK:
            self.final.add(leaving.number)
        self.leavings[subscription.pk].append(leaving.number)
        self.undo.append(leaving)
        self.wants[pair], self.is_old[pair] = False, True
        return leaving

    def can_go_back(self, leaving: Leaving) -> bool:
        subscription = self.by_key(leaving.subscription_id)
        is_last = self.leavings[leaving.subscription_id][-1:] == [leaving.number]
        return (
            subscription is not None
            and is_last
            and leaving.number not in self.final
            and self.now - leaving.at < lifecycle.UNDO_LIFE
            and subscription.subscriber.email not in self.barred
        )

    def all(self) -> list[Subscription]:
        return list(Subscription.objects.with_both())

    def sign_up(self, slugs: set[str], times: int, presses: bool, replays: bool) -> None:
        raise NotImplementedError

    # --- what holds --------------------------------------------------------------------------------

    @invariant()
    def nobody_is_mailed_who_does_not_want_it(self) -> None:
        barred = set(Suppression.objects.values_list("address_key", flat=True))
        assert barred == {factories.address_key(email) for email in self.barred}
        for each in self.all():
            # A pause ends by itself, so whoever rests must have wanted it, too.
            if each.status in Subscription.READING and each.subscriber.address_key not in barred:
                assert self.wants[self.pair(each)]

    @invariant()
    def the_events_tell_the_same_story(self) -> None:
        events = defaultdict(list)
        for event in ConsentEvent.objects.all():
            events[event.subscriber_id, event.newsletter_id].append(event)
        for each in self.all():
            told = told_by(events[each.subscriber_id, each.newsletter_id])
            assert told == (each.status, each.frequency)

    @invariant()
    def no_address_is_asked_to_confirm_twice_within_an_hour(self) -> None:
        for times in self.mailed.values():
            assert all(later - earlier >= timedelta(hours=1) for earlier, later in itertools.pairwise(times))
