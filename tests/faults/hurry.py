"""The product's waits, much shorter and about in the same proportions, so that a fault and its repair take seconds.

Only constants are changed, and only in processes that load this. A name that the product does not know any more is an
error here, so that nothing is hurried in vain.
"""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import Any

from config import apps

SWEEP = 1.0
CLAIM_LEASE, SUBMIT_LEASE = timedelta(seconds=2), timedelta(seconds=4)
PROVIDER_TIMEOUT = 1  # seconds, in the mailer's URL
WAITS: dict[str, dict[str, Any]] = {
    "delivery.submission": {"CLAIM_LEASE": CLAIM_LEASE, "SUBMIT_LEASE": SUBMIT_LEASE, "PATIENCE": 1.0},
    "delivery.speaking": {"LONGEST_FREEZE": 1.0},
    "delivery.gateway.conversation": {"LONGEST_BATCH": 1.0, "LONGEST_ANSWER": 1.0, "THROTTLED": 0.5},
    "delivery.gateway.single": {"LONGEST_BATCH": 1.0},
    "delivery.recording": {
        "FIRST_PAUSE": 0.2,
        "LONGEST_PAUSE": 1.0,
        "ASK_AGAIN_AFTER": timedelta(seconds=0.5),
    },
    "delivery.conclusions": {"REST_AFTER_DOUBTS": 1.0},
    "delivery.circuit": {"TRIAL_AFTER": timedelta(seconds=2)},
    "delivery.tasks": {"STEP": SWEEP * 20 / 15},
}
SESSION = {"idle_in_transaction_session_timeout": "3s"}
LOST_WAIT = 0.5  # seconds, of 10
BEATS = {"start due issues": SWEEP, "sweep": SWEEP}


def hurry() -> None:
    for module_name, waits in WAITS.items():
        module = importlib.import_module(module_name)
        for name, wait in waits.items():
            getattr(module, name)
            setattr(module, name, wait)
    assert set(SESSION) <= set(apps.SESSION)
    apps.SESSION |= SESSION


def hurry_celery(conf: Any) -> None:
    """Its `conf`: how often beat wakes somebody, and how soon a child that died is not waited for any more."""
    for name, seconds in BEATS.items():
        conf.beat_schedule[name] |= {"schedule": seconds, "options": {"expires": seconds}}
    conf.worker_lost_wait = LOST_WAIT
