"""What happens by itself, and how often. A wake-up that nobody took in time is void (`expires`): another follows."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "start due issues": {"task": "delivery.tasks.start_due", "schedule": 10.0, "options": {"expires": 60}},
    "sweep": {"task": "delivery.tasks.sweep", "schedule": 15.0, "options": {"expires": 60}},
    "send due letters": {
        "task": "subscribers.tasks.send_due_letters",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "remind the unconfirmed": {
        "task": "subscribers.tasks.remind",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "forget sent letters": {
        "task": "subscribers.tasks.forget_sent_letters",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    # Five times a night: whatever one run has no time for, the next one goes on with.
    "forget": {
        "task": "subscribers.tasks.forget",
        "schedule": crontab(minute=10, hour="1-5"),
        "options": {"expires": 3600},
    },
    "keep wordings": {
        "task": "subscribers.tasks.keep_wordings",
        "schedule": crontab(minute=5, hour=1),
        "options": {"expires": 3600},
    },
    "end pauses": {"task": "subscribers.tasks.resume_pauses", "schedule": 60.0, "options": {"expires": 60}},
    "look for bursts": {
        "task": "subscribers.tasks.look_for_bursts",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "end sieges": {"task": "subscribers.tasks.end_sieges", "schedule": 60.0, "options": {"expires": 60}},
    "learn what is usual": {
        "task": "subscribers.tasks.learn_what_is_usual",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "count readers": {
        "task": "subscribers.tasks.count_readers",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
}
