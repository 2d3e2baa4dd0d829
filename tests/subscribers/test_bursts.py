"""Many who left at once: what is flagged, and how it is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import bursts, lifecycle
from subscribers.consent import Circumstances, Method
from subscribers.models import Burst, ConsentEvent, Subscription, Suppression
from tests import factories

OFFICE, CARRIER = "198.51.100.0/24", "2001:db8:1::/48"


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss")


@pytest.fixture
def noon() -> datetime:
    return timezone.now() - timedelta(minutes=30)


def leave(
    newsletter: Newsletter,
    monkeypatch: pytest.MonkeyPatch,
    *,
    at: Sequence[datetime],
    network: str = OFFICE,
    method: Method = Method.LINK,
    name: str = "reader",
    **details: object,
) -> list[Subscription]:
    """A reader for each moment, who leaves then."""
    circumstances = Circumstances(method, network, "Scanner/1.0", details=details)
    left = []
    for number, moment in enumerate(at):
        reader = factories.subscription(newsletter, f"{name}{number}@example.com")
        with monkeypatch.context() as patch:
            patch.setattr("django.utils.timezone.now", lambda moment=moment: moment)
            lifecycle.unsubscribe(reader, circumstances=circumstances)
        left.append(reader)
    return left


def every(seconds: int, count: int, *, since: datetime) -> list[datetime]:
    return [since + timedelta(seconds=seconds * number) for number in range(count)]


def statuses(readers: Sequence[Subscription]) -> list[str]:
    found = dict(Subscription.objects.values_list("pk", "status"))
    return [found[reader.pk] for reader in readers]


def test_ten_from_one_network_within_ten_minutes_are_a_burst(
    daily: Newsletter, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(daily, monkeypatch, at=every(60, 10, since=noon))

    found = [bursts.look(now=timezone.now()) for _ in range(2)]

    burst = Burst.objects.get()
    assert found == [1, 0]
    assert (burst.newsletter, burst.network, burst.readers) == (daily, OFFICE, 10)
    assert (burst.began_at, burst.ended_at) == (noon, noon + timedelta(minutes=9))


@pytest.mark.parametrize(
    "case",
    ["too few", "too slow", "one click", "no network", "several networks", "inner network", "long ago"],
)
def test_what_people_do_is_no_burst(
    daily: Newsletter, noon: datetime, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    quick = every(5, 10, since=noon)
    match case:
        case "too few":
            leave(daily, monkeypatch, at=quick[:9])
        case "too slow":
            leave(daily, monkeypatch, at=every(70, 10, since=noon))
        case "one click":
            leave(daily, monkeypatch, at=quick, method=Method.ONE_CLICK)
        case "no network":
            leave(daily, monkeypatch, at=quick, network="")
        case "several networks":
            leave(daily, monkeypatch, at=quick[:5])
            leave(daily, monkeypatch, at=quick[5:], network=CARRIER, name="other")
        case "inner network":  # of a proxy that nobody told us of: all readers come from it
            leave(daily, monkeypatch, at=quick, network="172.18.0.0/24")
        case "long ago":
            leave(daily, monkeypatch, at=[at - timedelta(days=2) for at in quick])

    assert bursts.look(now=timezone.now()) == 0
    assert not Burst.objects.exists()


def test_one_undecided_reader_is_no_burst(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)
    office = Circumstances(Method.LINK, OFFICE)
    for _ in range(10):
        lifecycle.unsubscribe(ada, circumstances=office)
        lifecycle.take_back(
            ada, left_at=ada.unsubscribed_at, kind=ConsentEvent.Kind.CAME_BACK, circumstances=office
        )

    assert ConsentEvent.objects.filter(kind="left").count() == 10
    assert bursts.look(now=timezone.now()) == 0


def test_burst_that_goes_on_moves_on_and_another_is_another(
    daily: Newsletter, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(daily, monkeypatch, at=every(10, 12, since=noon))
    bursts.look(now=timezone.now())
    leave(daily, monkeypatch, at=every(10, 3, since=noon + timedelta(seconds=120)), name="late")
    other = factories.newsletter("other")
    leave(other, monkeypatch, at=every(1, 10, since=noon), network=CARRIER, name="other")

    bursts.look(now=timezone.now())

    assert sorted(Burst.objects.values_list("newsletter", "network", "readers")) == [
        (daily.pk, OFFICE, 15),
        (other.pk, CARRIER, 10),
    ]


def test_bringing_back_restores_whom_the_burst_took_and_nobody_else(
    daily: Newsletter, noon: datetime, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = leave(daily, monkeypatch, at=every(1, 12, since=noon))
    weekly, elsewhere, twice, again = taken[0], *taken[1:4]
    Subscription.objects.filter(pk=weekly.pk).update(frequency="weekly")
    bystanders = leave(daily, monkeypatch, at=every(1, 3, since=noon), network=CARRIER, name="bystander")
    earlier = leave(daily, monkeypatch, at=[noon - timedelta(hours=2)], name="earlier")
    later = Circumstances(Method.LINK, CARRIER)
    for reader in (elsewhere, twice):  # they are back, and one has then left for good
        event = ConsentEvent.objects.get(subscriber=reader.subscriber_id)
        lifecycle.take_back(
            reader, left_at=event.happened_at, kind=ConsentEvent.Kind.CAME_BACK, circumstances=later
        )
    lifecycle.unsubscribe(elsewhere, circumstances=later)
    lifecycle.subscribe(daily, email=again.subscriber.email, circumstances=Circumstances(Method.FORM))
    bursts.look(now=timezone.now())
    burst = Burst.objects.get()
    before = bursts.account(burst, shown=5)

    told = [bursts.bring_back(burst, by=boss) for _ in range(2)]

    assert (before.away, len(before.people), before.agents) == (10, 5, [("Scanner/1.0", 12)])
    assert told == [(10, 0), (0, 0)]
    assert statuses([elsewhere, twice, again]) == ["unsubscribed", "active", "active"]
    assert set(statuses([weekly, *taken[4:]])) == {"active"}
    assert set(statuses([*bystanders, *earlier])) == {"unsubscribed"}
    assert Subscription.objects.get(pk=weekly.pk).frequency == "weekly"
    assert (burst.state, burst.settled_by) == ("reversed", boss)
    back = ConsentEvent.objects.filter(kind="brought_back")
    assert {(event.method, event.details["by"], event.details["burst"]) for event in back} == {
        ("editor", "boss", burst.pk)
    }


def test_bringing_back_leaves_alone_who_has_left_themselves_since(
    daily: Newsletter, noon: datetime, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = leave(daily, monkeypatch, at=every(1, 12, since=noon))
    bursts.look(now=timezone.now())
    for reader, method in zip(taken, [Method.ONE_CLICK, Method.MAIL, Method.MANAGE], strict=False):
        lifecycle.unsubscribe(reader, circumstances=Circumstances(method))

    told = bursts.bring_back(Burst.objects.get(), by=boss)

    assert (told, statuses(taken)) == ((9, 0), ["unsubscribed"] * 3 + ["active"] * 9)


def test_bringing_back_takes_along_who_left_since_somebody_looked(
    daily: Newsletter, noon: datetime, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = leave(daily, monkeypatch, at=every(1, 10, since=noon))
    bursts.look(now=timezone.now())
    readers += leave(daily, monkeypatch, at=every(1, 4, since=noon + timedelta(seconds=20)), name="late")

    told = bursts.bring_back(Burst.objects.get(), by=boss)

    assert (told, set(statuses(readers))) == ((14, 0), {"active"})


def test_bringing_back_leaves_out_whom_no_mail_may_go_to(
    daily: Newsletter, noon: datetime, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = leave(daily, monkeypatch, at=every(1, 12, since=noon))
    lifecycle.suppress("reader0@example.com", reason=Suppression.Reason.HARD_BOUNCE)
    bursts.look(now=timezone.now())
    burst = Burst.objects.get()
    before = bursts.account(burst, shown=2)

    told = bursts.bring_back(burst, by=boss)

    assert (before.away, [event.is_away for event in before.people]) == (11, [False, True])
    assert (told, burst.state) == ((11, 0), "reversed")
    assert statuses(taken) == ["unsubscribed", *["active"] * 11]


def test_many_are_brought_back_in_portions(
    daily: Newsletter, noon: datetime, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = leave(daily, monkeypatch, at=every(1, 10, since=noon))
    bursts.look(now=timezone.now())
    burst = Burst.objects.get()
    monkeypatch.setattr(bursts, "BROUGHT_AT_ONCE", 6)

    told = [bursts.bring_back(burst, by=boss)]
    state = burst.state
    told.append(bursts.bring_back(burst, by=boss))

    assert (told, state, burst.state) == ([(6, 4), (4, 0)], "open", "reversed")
    assert set(statuses(readers)) == {"active"}


def test_what_a_person_has_decided_is_not_asked_again(
    daily: Newsletter, noon: datetime, boss: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = leave(daily, monkeypatch, at=every(1, 10, since=noon))
    bursts.look(now=timezone.now())
    burst = Burst.objects.get()

    decided = [bursts.dismiss(burst, by=boss) for _ in range(2)]
    later = [bursts.look(now=timezone.now()), bursts.bring_back(burst, by=boss)]
    leave(daily, monkeypatch, at=every(1, 10, since=noon + timedelta(minutes=5)), name="second")

    assert (decided, later) == ([True, False], [0, (0, 0)])
    assert set(statuses(readers)) == {"unsubscribed"}
    assert bursts.look(now=timezone.now()) == 1
    assert list(Burst.objects.order_by("pk").values_list("state", flat=True)) == ["dismissed", "open"]


def test_account_says_how_soon_after_the_mail(
    daily: Newsletter, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(daily, monkeypatch, at=every(1, 6, since=noon), seconds=3)
    leave(daily, monkeypatch, at=every(1, 5, since=noon), seconds=9, name="slower")
    leave(daily, monkeypatch, at=every(1, 4, since=noon), name="unknown")
    bursts.look(now=timezone.now())

    found = bursts.account(Burst.objects.get(), shown=50)

    assert (found.soonest, found.typically, len(found.people)) == (3, 3, 15)


def test_account_is_counted_without_looking_at_each_leaving(
    daily: Newsletter, noon: datetime, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries
) -> None:
    """However many left: some rows for each question, and `shown` people."""
    for number, seconds in enumerate([30, 4, 9, 12]):
        leave(daily, monkeypatch, at=every(5, 10, since=noon), name=f"r{number}-", seconds=seconds)
    leave(daily, monkeypatch, at=every(5, 2, since=noon), name="unknown")
    bursts.look(now=timezone.now())
    burst = Burst.objects.get()

    with django_assert_num_queries(4):
        account = bursts.account(burst, shown=3)

    assert (account.away, account.soonest, account.typically) == (42, 4, 10)
    assert account.agents == [("Scanner/1.0", 42)]
    assert [event.is_away for event in account.people] == [True] * 3


def test_account_without_known_times_says_none(
    daily: Newsletter, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(daily, monkeypatch, at=every(5, 10, since=noon))
    bursts.look(now=timezone.now())

    account = bursts.account(Burst.objects.get(), shown=3)

    assert (account.soonest, account.typically) == (None, None)


def test_burst_that_does_not_go_on_is_not_gone_through_again(
    daily: Newsletter, noon: datetime, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries
) -> None:
    leave(daily, monkeypatch, at=every(5, 12, since=noon))
    bursts.look(now=timezone.now())

    with django_assert_num_queries(3):
        found = bursts.look(now=timezone.now())

    assert found == 0
