"""Readers by the million, and an issue whose mail has a given size."""

from __future__ import annotations

from benchmarks.installation import SLUG, Installation

# One statement for each table: a CSV import of a million would take longer than what is measured.
SUBSCRIBERS = """
INSERT INTO subscribers_subscriber (email, address_key, first_name, language, created_at)
SELECT 'reader.' || n || '@example' || n %% 97 || '.com', md5('a' || n) || md5('b' || n), '', '', NOW()
FROM GENERATE_SERIES((SELECT COUNT(*) FROM subscribers_subscriber), %(readers)s - 1) AS n
"""
SUBSCRIPTIONS = """
INSERT INTO subscribers_subscription
    (subscriber_id, newsletter_id, status, origin, fields, source, frequency, left_as, generation,
     requested_at, confirmed_at)
SELECT subscriber.id, newsletter.id, 'active', 'import', '{}', '{}', 'every', '', 1, joined.at, joined.at
FROM subscribers_subscriber AS subscriber CROSS JOIN newsletter_newsletter AS newsletter
CROSS JOIN LATERAL (SELECT NOW() - subscriber.id %% 1000 * INTERVAL '1 day' AS at) AS joined
WHERE newsletter.slug = %(newsletter)s
ORDER BY subscriber.id
ON CONFLICT DO NOTHING
"""
# As a server would long have done by itself, and what was written must not be flushed while we measure.
SETTLE = ("VACUUM (ANALYZE) subscribers_subscriber, subscribers_subscription", "CHECKPOINT")

WRITE_ISSUES = """
import re
from newsletter import faces, rendering
from newsletter.locale import spoken_by
from newsletter.models import Issue, Newsletter
from newsletter.samples import SAMPLES

newsletter = Newsletter.objects.get(slug={newsletter!r})
paragraphs = [found for sample in SAMPLES for found in re.findall(r"<p>.*?</p>", sample.body)]

def written(count):
    body = "".join(paragraphs[number % len(paragraphs)] for number in range(count))
    return Issue(newsletter=newsletter, slug="draft", subject={subject!r}, preheader="", authors="", body=body)

def size(count):
    edition, masthead = faces.edition(written(count)), faces.masthead(newsletter)
    with spoken_by(newsletter):
        parts = rendering.mail_html(edition, masthead), rendering.mail_text(edition, masthead)
    return sum(len(part.encode()) for part in parts)

low, high = 1, 256
while high - low > 1:
    middle = (low + high) // 2
    low, high = (middle, high) if size(middle) <= {size} else (low, middle)
for slug in {slugs!r}:
    issue = written(low)
    issue.slug = slug
    issue.save()
"""


def fill(courant: Installation, readers: int) -> None:
    """So many active readers for the sample newsletter, which is made if there is none yet. PostgreSQL only."""
    courant.manage("seed_demo", "--subscribers", "0")
    courant.rows(SUBSCRIBERS, {"readers": readers})
    courant.rows(SUBSCRIPTIONS, {"newsletter": SLUG})
    for statement in SETTLE:
        courant.rows(statement)


def write_issues(courant: Installation, *slugs: str, size: int) -> None:
    """Drafts whose HTML and text have at most `size` bytes together, and no paragraph would fit in."""
    subject = "What the river keeps, and what it gives back"
    courant.run(WRITE_ISSUES.format(newsletter=SLUG, subject=subject, size=size, slugs=slugs))
