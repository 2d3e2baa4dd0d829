from __future__ import annotations

from django.urls import path, re_path

from delivery import views

app_name = "delivery"
urlpatterns = [
    path("send/<int:issue_id>/", views.send, name="send"),
    path("watch/<int:dispatch_id>/", views.dispatch, name="dispatch"),
    path("watch/<int:dispatch_id>/progress/", views.dispatch_progress, name="progress"),
    re_path(
        r"^watch/(?P<dispatch_id>[0-9]+)/(?P<verb>pause|resume|stop)/$",
        views.dispatch_control,
        name="control",
    ),
]
