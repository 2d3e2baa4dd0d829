from __future__ import annotations

from django.urls import path, re_path

from delivery.views import controls, uncertain, watching

app_name = "delivery"
urlpatterns = [
    path("watch/<int:dispatch_id>/", watching.dispatch, name="dispatch"),
    path("watch/<int:dispatch_id>/progress/", watching.dispatch_progress, name="progress"),
    path("watch/<int:dispatch_id>/uncertain/", uncertain.uncertain, name="uncertain"),
    re_path(
        r"^watch/(?P<dispatch_id>[0-9]+)/(?P<state>failed|skipped|uncertain)\.csv$",
        uncertain.export,
        name="export",
    ),
    re_path(
        r"^watch/(?P<dispatch_id>[0-9]+)/(?P<verb>pause|resume|stop|retry|accept|again)/$",
        controls.press,
        name="control",
    ),
]
