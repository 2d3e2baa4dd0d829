from __future__ import annotations

from django.urls import path, re_path

from subscribers import views

app_name = "subscribers"
urlpatterns = [
    path("<slug:slug>/subscribe/", views.subscribe, name="subscribe"),
    path("<slug:slug>/subscribe/check-inbox/", views.check_inbox, name="check_inbox"),
    path("s/confirm/<str:token>/", views.confirm, name="confirm"),
    # With and without the slash: a redirect would break RFC 8058's one-click POST.
    path("s/unsubscribe/<str:token>", views.unsubscribe, name="unsubscribe"),
    re_path(r"^s/unsubscribe/(?P<token>[^/]+)/$", views.unsubscribe),
]
