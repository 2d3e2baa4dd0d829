from __future__ import annotations

from django import template

from newsletter import claims

register = template.Library()
register.filter("readers_claim", claims.readers_claim)
