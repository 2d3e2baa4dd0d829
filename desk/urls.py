from __future__ import annotations

from django.urls import path

from desk.views import (
    bursts,
    checks,
    corrections,
    home,
    letters,
    plans,
    preview,
    proofs,
    sending,
    sieges,
    site_forms,
)

app_name = "desk"
urlpatterns = [
    path("dispatches/<int:dispatch_id>/correct/", corrections.correct, name="correct"),
    path("newsletters/<int:newsletter_id>/form/", site_forms.site_form, name="site_form"),
    path("newsletters/<int:newsletter_id>/letters/", letters.overview, name="letters"),
    path("newsletters/<int:newsletter_id>/letters/<slug:kind>/", letters.letter, name="letter"),
    path(
        "newsletters/<int:newsletter_id>/letters/<slug:kind>/as/<slug:look>/",
        letters.face,
        name="letter_face",
    ),
    path("running/", home.running, name="running"),
    path("bursts/", bursts.bursts, name="bursts"),
    path("bursts/<int:burst_id>/<str:verdict>/", bursts.settle, name="settle_burst"),
    path("sieges/", sieges.sieges, name="sieges"),
    path("issues/<int:issue_id>/check/", checks.check, name="check"),
    path("issues/<int:issue_id>/check/panel/", checks.panel, name="check_panel"),
    path("issues/<int:issue_id>/check/findings/", checks.findings, name="check_findings"),
    path("issues/<int:issue_id>/check/links/", checks.links, name="check_links"),
    path("issues/<int:issue_id>/check/follow/", checks.follow, name="check_follow"),
    path("issues/<int:issue_id>/check/accept/", checks.accept, name="accept"),
    path("issues/<int:issue_id>/preview/", preview.preview, name="preview"),
    path("issues/<int:issue_id>/preview/<slug:face>/", preview.face, name="face"),
    path("issues/<int:issue_id>/readers/", preview.readers, name="readers"),
    path("issues/<int:issue_id>/send/", sending.send, name="send"),
    path("issues/<int:issue_id>/send/ask/", plans.ask, name="ask"),
    path("issues/<int:issue_id>/send/approve/", plans.approve, name="approve"),
    path("issues/<int:issue_id>/send/withdraw/", plans.withdraw, name="withdraw"),
    path("issues/<int:issue_id>/test/", proofs.test, name="test"),
    path("issues/<int:issue_id>/test/state/", proofs.proofs, name="proofs"),
]
