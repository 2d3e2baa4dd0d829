"""Faults: what can happen to an installation while an issue goes out. A run draws from these by its seed.

Each does one thing, and returns how many hand-overs it may have left in doubt.
"""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import redis

from tests.faults.harness import CONCURRENCY, PROCESSES, Courant, Trouble
from tests.faults.places import PLACES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

IN_FLIGHT = (CONCURRENCY + 1) // 2  # of one process, as delivery.gateway.profiles shares them out
# What a provider does: (kind, chance) as tests.fakes.faults has them. Of many calls by HTTP, and of many mails by SMTP.
MISCHIEF = (
    "throttle",
    "error",
    "reset",
    "late",
    "drop",
    "error_after",
    "hang_after",
    "html",
    "garbled",
    "cut",
)
DOUBTFUL = frozenset(MISCHIEF) - {"throttle"} | {"hang"}
TASKS = ("prepare_dispatch", "send_batches", "start_due", "sweep")


@dataclass
class Scene:
    """One issue on its way, and what may be done to it."""

    courant: Courant
    chance: random.Random
    dispatch: int
    readers: list[str]
    latency: float = 0.1
    left: dict[str, str] = field(
        default_factory=dict
    )  # address: the database's time when they surely had left
    done: list[str] = field(default_factory=list)
    doubts: int = 0
    is_stopped: bool = False

    def latency_of(self, provider: str) -> float:
        """Of one call; SMTP answers for every mail."""
        return self.latency / 10 if provider == "smtp" else self.latency


def kill_at_a_place(scene: Scene) -> int:
    name = scene.chance.choice(list(PLACES))
    deed = scene.chance.choice(["kill", "kill", "kill-all"])
    scene.courant.arm(name, f"{deed} {scene.chance.choice([0, 0, 1, 3])}")
    return PROCESSES * IN_FLIGHT if deed == "kill-all" else IN_FLIGHT


def freeze_at_a_place(scene: Scene) -> int:
    scene.courant.arm(scene.chance.choice(list(PLACES)), f"freeze {scene.chance.choice([0, 0, 1, 3])}")
    return IN_FLIGHT


def kill_a_child(scene: Scene) -> int:
    if children := scene.courant.children():
        scene.chance.choice(children).kill()
    return IN_FLIGHT


def freeze_a_child(scene: Scene) -> int:
    if children := scene.courant.children():
        scene.chance.choice(children).suspend()
    return IN_FLIGHT


def thaw_all(scene: Scene) -> int:
    scene.courant.thaw()
    return 0


def kill_a_worker(scene: Scene) -> int:
    scene.courant.dismiss(scene.chance.choice(scene.courant.workers), signal.SIGKILL)
    return PROCESSES * IN_FLIGHT


def end_a_worker(scene: Scene) -> int:
    """As a deploy does: it finishes what it has in hand."""
    scene.courant.dismiss(scene.chance.choice(scene.courant.workers), signal.SIGTERM)
    return 0


def kill_beat(scene: Scene) -> int:
    scene.courant.dismiss(scene.chance.choice(scene.courant.beats), signal.SIGKILL)
    return 0


def bring_another_beat(scene: Scene) -> int:
    if len(scene.courant.beats) < 3:
        scene.courant.start_beats(1)
    return 0


def provider_misbehaves(scene: Scene) -> int:
    """What it does is counted by itself."""
    for fake in scene.courant.fakes:
        by_smtp = fake.name == "smtp"
        most, status = (0.02, 0) if by_smtp else (0.15, 502)
        # A mail that was taken and answered with "try again" comes again: that is for SMTP to know (RFC 5321 4.2.5).
        kinds = scene.chance.sample([kind for kind in MISCHIEF if not (by_smtp and kind == "error_after")], 3)
        chance = {kind: scene.chance.uniform(0.0, most) for kind in kinds}
        seed, latency = scene.chance.randrange(10**6), scene.latency_of(fake.name)
        fake.faults(latency=latency, chance=chance, seed=seed, late=2.0, error_status=status)
    return 0


def empty_redis(scene: Scene) -> int:
    with redis.Redis.from_url(scene.courant.environment["REDIS_URL"]) as client:
        client.flushall()
    return 0


def restart_redis(scene: Scene) -> int:
    assert scene.courant.redis is not None
    scene.courant.redis.stop(harshly=True)
    time.sleep(scene.chance.uniform(0.0, 1.5))
    scene.courant.redis.start()
    return 0


def freeze_redis(scene: Scene) -> int:
    assert scene.courant.redis is not None
    scene.courant.redis.freeze()
    time.sleep(scene.chance.uniform(0.5, 3.0))
    scene.courant.redis.thaw()
    return 0


def crash_postgres(scene: Scene) -> int:
    """As if the machine had lost its power; then it comes up again and recovers."""
    assert scene.courant.database is not None
    scene.courant.database.stop(harshly=True)
    time.sleep(scene.chance.choice([0.0, 0.0, 1.0]))
    scene.courant.database.start()
    return len(scene.courant.workers) * PROCESSES * IN_FLIGHT


def deliver_everything_five_times(scene: Scene) -> int:
    for task in TASKS:
        arguments = [scene.dispatch] if task in {"prepare_dispatch", "send_batches"} else []
        asked(scene, "publish", f"delivery.tasks.{task}", arguments, 5)
    return 0


def pause_and_resume(scene: Scene) -> int:
    for _ in range(scene.chance.randrange(1, 10)):
        asked(scene, "pause", scene.dispatch)
        time.sleep(scene.chance.choice([0.0, 0.0, 0.1]))
        asked(scene, "resume", scene.dispatch)
    return 0


def readers_leave(scene: Scene) -> int:
    for address in scene.chance.sample(scene.readers, 3):
        if found := asked(scene, "leave", address):
            scene.left.setdefault(address, found[1])
    return 0


def asked(scene: Scene, verb: str, *arguments: Any) -> Any:
    """Somebody at the desk tries once, and sees whatever they see."""
    try:
        return scene.courant.ask(verb, *arguments)
    except Trouble as trouble:
        scene.done.append(f"({verb}: {str(trouble)[:60]})")
        return None


ANYWHERE: tuple[Callable[[Scene], int], ...] = (
    kill_at_a_place,
    kill_a_child,
    kill_a_worker,
    provider_misbehaves,
    pause_and_resume,
    readers_leave,
)
ON_SERVERS = (
    *ANYWHERE,
    freeze_at_a_place,
    freeze_a_child,
    thaw_all,
    end_a_worker,
    kill_beat,
    bring_another_beat,
    empty_redis,
    restart_redis,
    freeze_redis,
    crash_postgres,
    deliver_everything_five_times,
)
