from __future__ import annotations

from django.urls import path, re_path

from newsletter import feeds
from newsletter.views import archive, pictures

app_name = "newsletter"
urlpatterns = [
    path("", archive.newsletters, name="newsletters"),
    re_path(r"^media/(?P<digest>[0-9a-f]{32})\.(?P<format>jpg|png|gif)$", pictures.picture, name="picture"),
    path("<slug:slug>/", archive.archive, name="archive"),
    path("<slug:slug>/look.css", archive.look, name="look"),
    path("<slug:slug>/feed/", archive.public_page(feeds.IssueFeed()), name="feed"),
    path("<slug:slug>/<slug:issue_slug>/", archive.issue, name="issue"),
]
