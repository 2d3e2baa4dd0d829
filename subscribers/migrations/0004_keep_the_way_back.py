from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0003_readers")]

    operations = [
        migrations.RemoveConstraint(model_name="subscription", name="only_a_pause_has_an_end"),
        migrations.RemoveConstraint(model_name="subscription", name="only_who_left_left_as_something"),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("paused_until__isnull", True),
                    ("status__in", ["paused", "unsubscribed", "pending"]),
                    _connector="OR",
                ),
                name="only_a_pause_has_an_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("left_as", ""),
                    models.Q(
                        ("status__in", ["unsubscribed", "pending"]),
                        ("unsubscribed_at__isnull", False),
                        models.Q(
                            ("left_as", "pending"),
                            models.Q(("confirmed_at__isnull", False), ("left_as__in", ["active", "paused"])),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="only_who_left_left_as_something",
            ),
        ),
    ]
