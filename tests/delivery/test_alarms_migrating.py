"""The way back before alarms could be a newsletter's: with one of them in the table, too."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from delivery.models import Alarm
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_upgrade_can_be_taken_back_whatever_the_alarms() -> None:
    daily = factories.newsletter()
    now = timezone.now()
    Alarm.objects.create(kind="siege", newsletter=daily, text="Machines.", since=now)
    Alarm.objects.create(kind="missed", issue=factories.issue(daily, "tides"), text="Late.", since=now)
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()

    try:
        before = MigrationExecutor(connection).migrate([("delivery", "0007_readers")]).apps
        left = list(before.get_model("delivery", "Alarm").objects.values_list("kind", flat=True))
    finally:
        MigrationExecutor(connection).migrate(latest)

    assert left == ["missed"]
    assert list(Alarm.objects.values_list("kind", flat=True)) == ["missed"]
