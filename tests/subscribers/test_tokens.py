from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.signing import TimestampSigner
from django.test import override_settings
from django.utils import timezone

from newsletter.models import Newsletter
from subscribers import tokens
from tests import factories


def test_each_reader_of_tokens_refuses_the_other_purpose(daily: Newsletter) -> None:
    ada, *_ = factories.cast(daily)

    with pytest.raises(tokens.InvalidToken):
        tokens.read_confirm(tokens.unsubscribe_token(ada.pk))
    with pytest.raises(tokens.InvalidToken):
        tokens.read_unsubscribe(tokens.confirm_token(ada))


def test_confirm_token_expires_and_says_whose_it_was(
    daily: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, *_ = factories.cast(daily)
    token = tokens.confirm_token(ada)
    later = (timezone.now() + tokens.CONFIRM_LIFE + timedelta(minutes=1)).timestamp()
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)

    with pytest.raises(tokens.ExpiredToken) as expired:
        tokens.read_confirm(token)

    assert expired.value.subscription_id == ada.pk
    assert expired.value.claims == (tokens.ConfirmClaim(ada.pk, ada.generation),)


def test_confirm_token_names_several_and_one_from_before_still_reads(daily: Newsletter) -> None:
    ada, bob, _ = factories.cast(daily)
    both = tuple(tokens.ConfirmClaim(each.pk, each.generation) for each in (ada, bob))
    from_before = TimestampSigner(key=settings.LINK_KEYS[0], sep="~", salt="courant.confirm").sign("7.3")

    assert tokens.read_confirm(tokens.confirm_token(ada, bob)) == both
    assert tokens.read_confirm(from_before) == (tokens.ConfirmClaim(7, 3),)


def test_unsubscribe_token_carries_its_mark_and_survives_two_rotations_and_a_new_secret_key() -> None:
    with override_settings(LINK_KEYS=["first"]):
        token = tokens.unsubscribe_token(7, mark="42")

    with override_settings(LINK_KEYS=["third", "second", "first"], SECRET_KEY="another"):
        assert tokens.read_unsubscribe(token) == tokens.UnsubscribeClaim(7, "42")


def test_unsubscribe_token_under_a_dropped_key_is_refused() -> None:
    with override_settings(LINK_KEYS=["first"]):
        token = tokens.unsubscribe_token(7)

    with override_settings(LINK_KEYS=["second"]), pytest.raises(tokens.InvalidToken):
        tokens.read_unsubscribe(token)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: "8" + t[1:], lambda t: t + "A", lambda t: "", lambda t: "~"]
)
def test_altered_token_is_refused(change) -> None:
    with pytest.raises(tokens.InvalidToken):
        tokens.read_unsubscribe(change(tokens.unsubscribe_token(7)))


def test_token_goes_into_a_link_as_it_is() -> None:
    assert set(tokens.unsubscribe_token(123456, mark="99")) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~."
    )


@pytest.mark.parametrize("mark", ["", "7", "1048576"])
def test_tokens_for_an_audience_are_the_same_as_one_by_one(mark: str) -> None:
    token = tokens.unsubscribe_tokens(mark=mark)

    made = [token(number) for number in (1, 99, 12_345_678)]

    assert made == [tokens.unsubscribe_token(number, mark=mark) for number in (1, 99, 12_345_678)]
