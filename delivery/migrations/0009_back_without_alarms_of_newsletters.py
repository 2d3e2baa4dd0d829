from django.db import migrations


def forget_alarms_of_newsletters(apps, schema_editor):
    """Before 0008 each alarm has an issue. Its troubles are found again by whoever knows them."""
    apps.get_model("delivery", "Alarm").objects.filter(issue=None).delete()


class Migration(migrations.Migration):
    """Nothing is done on the way here. On the way back it comes before 0008's columns are as they were."""

    dependencies = [
        ("delivery", "0008_alarms_of_newsletters"),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, forget_alarms_of_newsletters),
    ]
