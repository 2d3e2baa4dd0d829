from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from config import health
from delivery import webhooks

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    # Without its last slash, too: a POST cannot be sent on to another address.
    re_path(r"^webhooks/(?P<mailer>[a-z]+)/?$", webhooks.receive, name="webhook"),
    path("admin/desk/", include("desk.urls")),
    path("admin/delivery/", include("delivery.urls")),  # before the admin's own, which swallows the rest
    path("admin/", admin.site.urls),
    path(
        "", include("subscribers.urls")
    ),  # before newsletter's: "<newsletter>/subscribe/" looks like an issue
    path("", include("newsletter.urls")),
]
if settings.OUTBOX_PATH:
    urlpatterns.insert(0, path("outbox/", include("outbox.urls")))
