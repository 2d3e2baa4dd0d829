from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from config import health
from delivery import inbound, webhooks
from delivery.views import readers
from newsletter.views import accounts

handler400 = "newsletter.views.refusals.unreadable"
handler403 = "newsletter.views.refusals.refused"
handler404 = "newsletter.views.refusals.missing"
handler500 = "newsletter.views.refusals.broken"
urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    re_path(r"^webhooks/inbound/?$", inbound.receive, name="inbound"),
    # Without its last slash, too: a POST cannot be sent on to another address.
    re_path(r"^webhooks/(?P<mailer>[a-z]+)/?$", webhooks.receive, name="webhook"),
    # A reader's own links in an issue; the others are subscribers'.
    path("s/read/<str:token>/", readers.read, name="read"),
    path("s/feedback/<str:token>/", readers.feedback, name="feedback"),
    path("admin/desk/", include("desk.urls")),
    path("admin/delivery/", include("delivery.urls")),  # before the admin's own, which swallows the rest
    path("admin/password/forgotten/", accounts.forgotten, name="admin_password_reset"),
    path("admin/password/forgotten/sent/", accounts.on_its_way, name="admin_password_reset_done"),
    path(
        "admin/password/<uidb64>/<token>/", accounts.ChoosePassword.as_view(), name="password_reset_confirm"
    ),
    path("admin/", admin.site.urls),
    path(
        "", include("subscribers.urls")
    ),  # before newsletter's: "<newsletter>/subscribe/" looks like an issue
    path("", include("newsletter.urls")),
]
if settings.OUTBOX_PATH:
    urlpatterns.insert(0, path("outbox/", include("outbox.urls")))
