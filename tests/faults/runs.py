"""One run: an issue goes out, faults happen, it becomes calm, and the invariants are asked."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults import invariants
from tests.faults.actions import DOUBTFUL, Scene, asked
from tests.faults.harness import Trouble
from tests.faults.ledger import UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.faults.harness import Courant
    from tests.faults.invariants import Figures

CALM_SECONDS = 40.0
LATENCY = 0.1  # seconds until the provider answers a call

KINDS = {
    "kill_a_child": "kills",
    "kill_a_worker": "kills",
    "kill_beat": "kills",
    "freeze_a_child": "freezes",
    "freeze_redis": "freezes",
    "end_a_worker": "restarts",
    "restart_redis": "restarts",
    "crash_postgres": "restarts",
}


@dataclass
class Run:
    seed: int
    provider: str
    seconds: float = 0.0
    calm_after: float = 0.0
    done: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    figures: Figures | None = None
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        return f"{self.provider} seed={self.seed} {self.seconds:.1f} s, calm in {self.calm_after:.1f} s: {self.figures}"


def begun(
    courant: Courant,
    *,
    seed: int,
    readers: int,
    latency: float = LATENCY,
    armed: dict[str, str] | None = None,
) -> Scene:
    """An issue on its way to so many new readers, with these places armed before anything of it is done."""
    slug = f"run{seed}-{time.monotonic_ns() % 10**9}"
    addresses = [f"reader{number}@{slug}.example.com" for number in range(readers)]
    scene = Scene(courant, random.Random(f"{courant.fake.name} {seed}"), 0, addresses, latency=latency)
    be_calm(scene)
    courant.ask("write", slug, readers)
    for place, deed in (armed or {}).items():
        courant.arm(place, deed)
    try:
        scene.dispatch = courant.ask("send", slug)
    except Trouble:  # the desk died after it had begun
        scene.dispatch = max(row["id"] for row in courant.ledger.counts())
    return scene


def misfortunes(scene: Scene, actions: Sequence[Callable[[Scene], int]], *, seconds: float) -> list[str]:
    """Faults for so long, or until the issue has gone out. Returns what was found wrong meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not is_over(scene):
        action = scene.chance.choice(actions)
        scene.done.append(action.__name__)
        scene.doubts += action(scene)
        time.sleep(scene.chance.uniform(0.05, 0.5))
        scene.courant.revive()
        asked(scene, "resume_all")
        if wrong := invariants.at_any_moment(scene):
            return wrong
    return []


def is_over(scene: Scene) -> bool:
    """Nobody waits any longer. One that was stopped ended at once; what was on its way then is heard out yet."""
    try:
        return not invariants.unsettled(scene.courant.ledger.of(scene.dispatch))
    except UNREACHABLE:
        return False


def be_calm(scene: Scene) -> None:
    """No further fault, and whoever is dead or frozen is there again."""
    for fake in scene.courant.fakes:
        fake.faults(latency=scene.latency_of(fake.name))
    scene.courant.disarm()
    scene.courant.thaw()
    scene.courant.revive()


def settled(scene: Scene, *, within: float = CALM_SECONDS) -> float:
    """Seconds until the issue has gone out, with somebody at the desk who lets go on what has paused."""
    start = time.monotonic()
    while not is_over(scene) and time.monotonic() < start + within:
        look_after(scene)
        time.sleep(0.2)
    return time.monotonic() - start


def look_after(scene: Scene) -> None:
    """What a supervisor does, and somebody at the desk."""
    scene.courant.revive()
    scene.courant.children()
    asked(scene, "resume_all")
    asked(scene, "wait_no_longer")


def wait_for(scene: Scene, condition: Callable[[], bool], *, within: float = CALM_SECONDS) -> bool:
    """Whether it came to that. Supervisor and desk look after it meanwhile."""
    deadline = time.monotonic() + within
    while not (found := condition()) and time.monotonic() < deadline:
        look_after(scene)
        time.sleep(0.1)
    return found


def closed(scene: Scene, *, within: float = CALM_SECONDS) -> list[str]:
    """Let it become calm and settle. Returns what is wrong then."""
    be_calm(scene)
    settled(scene, within=within)
    _, wrong = invariants.at_the_end(scene)
    return wrong


def run(
    courant: Courant,
    actions: Sequence[Callable[[Scene], int]],
    *,
    seed: int,
    readers: int,
    seconds: float,
    latency: float = LATENCY,
) -> Run:
    start = time.monotonic()
    scene = begun(courant, seed=seed, readers=readers, latency=latency)
    result = Run(seed, "+".join(fake.name for fake in courant.fakes), done=scene.done)
    result.wrong = misfortunes(scene, actions, seconds=seconds)
    be_calm(scene)
    result.calm_after = settled(scene)
    result.figures, wrong = invariants.at_the_end(scene)
    result.wrong += wrong
    result.faults = _counted(scene)
    result.seconds = time.monotonic() - start
    return result


def _counted(scene: Scene) -> Counter[str]:
    """What was done, as the table at the end has it."""
    found = Counter(KINDS[name] for name in scene.done if name in KINDS)
    found.update(
        "freezes" if deed in {"freeze", "thawed"} else "kills" for _, deed, _ in scene.courant.deeds()
    )
    for fake in scene.courant.fakes:
        found["drops"] += sum(count for kind, count in fake.seen()["met"].items() if kind in DOUBTFUL)
    return found
