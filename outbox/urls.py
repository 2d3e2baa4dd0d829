from __future__ import annotations

from django.urls import path

from outbox import views

app_name = "outbox"
urlpatterns = [
    path("", views.mails, name="list"),
    path("empty/", views.empty, name="empty"),
    path("<int:number>/", views.mail, name="mail"),
    path("<int:number>/text/", views.text, name="text"),
    path("<int:number>/headers/", views.headers, name="headers"),
    path("<int:number>/source/", views.source, name="source"),
    path("<int:number>/body/", views.body, name="body"),
    path("<int:number>/mail.eml", views.download, name="download"),
]
