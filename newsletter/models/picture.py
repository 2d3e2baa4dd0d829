from __future__ import annotations

import re

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

DIGEST = re.compile(r"[0-9a-f]{32}")


class PictureManager(models.Manager["Picture"]):
    """Without the bytes, which are read only where they are asked for: a row may have megabytes of them."""

    def get_queryset(self) -> models.QuerySet[Picture]:
        return super().get_queryset().defer("data")

    def by_digest(self, digest: str) -> Picture | None:
        """How a form names a picture: who has its digest was shown it, and by number one could leaf through all."""
        return self.filter(digest=digest).first() if DIGEST.fullmatch(digest) else None


class Picture(models.Model):
    """An uploaded picture as readers get it: resized, written anew, without what the camera noted.

    Its bytes are in the database, which every web process on every host shares; the address carries their hash, so
    that whoever keeps a copy (a browser, a CDN, a mail provider's proxy) may keep it for ever.
    """

    class Format(models.TextChoices):
        JPEG = "jpg", "JPEG"
        PNG = "png", "PNG"
        GIF = "gif", "GIF"

    digest = models.CharField(max_length=32, unique=True)  # of the bytes, in hexadecimal
    format = models.CharField(max_length=4, choices=Format)
    width = models.PositiveIntegerField()  # pixels
    height = models.PositiveIntegerField()
    data = models.BinaryField()
    name = models.CharField(_("name of the file"), max_length=200, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    uploaded_at = models.DateTimeField(auto_now_add=True)

    objects = PictureManager()

    class Meta:
        base_manager_name = "objects"  # an issue's cover comes without its bytes, too
        ordering = ["-uploaded_at", "-pk"]

    def __str__(self) -> str:
        return self.name or self.digest[:8]

    def get_absolute_url(self) -> str:
        return reverse("newsletter:picture", args=[self.digest, self.format])
