from __future__ import annotations

from django.urls import path

from newsletter import feeds, views

app_name = "newsletter"
urlpatterns = [
    path("", views.newsletters, name="newsletters"),
    path("<slug:slug>/", views.archive, name="archive"),
    path("<slug:slug>/look.css", views.look, name="look"),
    path("<slug:slug>/feed/", views.publicly_cached(feeds.IssueFeed()), name="feed"),
    path("<slug:slug>/<slug:issue_slug>/", views.issue, name="issue"),
]
