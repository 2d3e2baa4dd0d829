from __future__ import annotations

from django.urls import path, re_path

from subscribers.views import (
    changing_address,
    confirming,
    leaving,
    managing,
    managing_data,
    managing_link,
    managing_steps,
    returning,
    signing_up,
)

app_name = "subscribers"
urlpatterns = [
    path("<slug:slug>/subscribe/", signing_up.subscribe, name="subscribe"),
    path("<slug:slug>/subscribe/again/", signing_up.resend, name="resend"),
    path("<slug:slug>/embed/", signing_up.embed, name="embed"),
    path("<slug:slug>/embed/again/", signing_up.embed_resend, name="embed_resend"),
    path("subscribe/", signing_up.subscribe_all, name="subscribe_all"),
    path("subscribe/again/", signing_up.resend_all, name="resend_all"),
    path("s/confirm/<str:token>/", confirming.confirm, name="confirm"),
    path("s/confirm/<str:token>/again/", confirming.confirm_again, name="confirm_again"),
    # With and without the slash: a redirect would break RFC 8058's one-click POST.
    path("s/unsubscribe/<str:token>", leaving.unsubscribe, name="unsubscribe"),
    re_path(r"^s/unsubscribe/(?P<token>[^/]+)/$", leaving.unsubscribe),
    path("s/rest/<str:token>/", leaving.rest, name="rest"),
    path("s/link/<str:token>/", leaving.mail_link, name="mail_link"),
    path("s/back/<str:token>/", returning.back, name="back"),
    path("s/why/<str:token>/", returning.why, name="why"),
    path("your-subscriptions/", managing_link.ask_manage, name="ask_manage"),
    path("<slug:slug>/manage/", managing_link.ask_manage, name="ask_manage"),
    path("s/manage/<str:token>/", managing.manage, name="manage"),
    path("s/manage/<str:token>/fresh/", managing_link.fresh, name="manage_fresh"),
    path("s/manage/<str:token>/you/", managing_steps.person, name="manage_person"),
    path("s/manage/<str:token>/address/", managing_steps.new_address, name="manage_address"),
    path("s/manage/<str:token>/address/keep/", managing_steps.keep_address, name="manage_keep_address"),
    path("s/manage/<str:token>/download/", managing_data.download, name="manage_download"),
    path("s/manage/<str:token>/delete/", managing_data.delete, name="manage_delete"),
    path("s/manage/<str:token>/of/<slug:slug>/how-often/", managing_steps.rhythm, name="manage_rhythm"),
    path("s/manage/<str:token>/of/<slug:slug>/go-on/", managing_steps.go_on, name="manage_go_on"),
    path("s/manage/<str:token>/of/<slug:slug>/leave/", managing_steps.leave, name="manage_leave"),
    path("s/manage/<str:token>/of/<slug:slug>/begin/", managing_steps.begin, name="manage_begin"),
    path("s/manage/<str:token>/of/<slug:slug>/fields/", managing_steps.fields, name="manage_fields"),
    path("s/change/<str:token>/", changing_address.change_address, name="change_address"),
]
