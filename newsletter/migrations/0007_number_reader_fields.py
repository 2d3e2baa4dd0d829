from django.db import migrations
from django.db.models import F


def number(apps, schema_editor):
    """As they are shown: those that have a place by it, then by label. A first number typed then means what it says."""
    fields = apps.get_model("newsletter", "ReaderField").objects.order_by(
        "newsletter", F("position").asc(nulls_last=True), "label", "pk"
    )
    newsletter_id, place = None, 0
    for field in fields.iterator():
        place = place + 1 if field.newsletter_id == newsletter_id else 1
        newsletter_id = field.newsletter_id
        if field.position != place:
            field.position = place
            field.save(update_fields=["position"])


class Migration(migrations.Migration):
    dependencies = [
        ("newsletter", "0006_reader_field_order"),
    ]

    operations = [
        migrations.RunPython(number, migrations.RunPython.noop),
    ]
