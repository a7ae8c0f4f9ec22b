"""What happens to the replicas, and when: the same for a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Act = Literal["kill", "drain", "stop", "give"]

KINDS = ("form", "form", "talk", "talk", "fan", "flaky", "parent")

LEASE = {
    "pool_size": 2,
    "heartbeat_interval": 0.3,
    "lease_timeout": 1.5,
    "acquire_timeout": 60.0,
}


@dataclass(frozen=True, slots=True)
class Event:
    """After `pause_s`, this happens to a replica; `for_s` later it is there again.

    One that gives is killed, and its runs are given to the other.

    A replica that `is_early` killed may be in the middle of its launch; otherwise it is
    up before the pause begins.
    """

    pause_s: float
    replica: int
    act: Act
    for_s: float
    is_early: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The runs of a trial, in the order of their starts, and what is done meanwhile."""

    seed: int
    leased: bool
    runs: list[str]
    events: list[Event]

    @classmethod
    def of(cls, seed: int, seconds: float, *, leased: bool) -> Plan:
        """The plan of a seed."""
        chance = random.Random(seed)
        number = min(200, int(20 + 3 * seconds))
        runs = [f"{chance.choice(KINDS)}-{n}" for n in range(number)]
        events: list[Event] = []
        # More than there is time for: a slow machine gets as far as it can.
        for _ in range(int(2 * seconds) + 2):
            acts: list[Act] = ["kill", "kill", "drain", "stop"]
            # Whoever has a lease gives its runs away by dying.
            act = chance.choice([*acts, "kill" if leased else "give"])
            for_s = chance.choice((0.0, 0.1, 0.7))
            if act == "stop":
                # Longer than a lease lasts, mostly.
                for_s = chance.uniform(1.0, 3.0) if leased else chance.uniform(0.1, 0.8)
            pause_s = chance.choice((0.05, 0.3, 1.0, 2.0)) * chance.random()
            is_early = act == "kill" and chance.random() < 0.15
            events.append(Event(pause_s, chance.randrange(2), act, for_s, is_early))
        return cls(seed, leased, runs, events)
