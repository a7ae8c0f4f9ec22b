"""The short form of an entry says the same as the long one."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from durable_notebook.journal._compact import pack, unpack

AT = 1795391802.8118


def model(name: str, value: object) -> dict[str, Any]:
    return {"__is_pydantic": True, "value": value, "qualified_name": name}


def changed(**fields: object) -> dict[str, Any]:
    value = {
        "name": "increment",
        "step_state": "running",
        "worker_id": "0",
        "input_event_name": "Tick",
        "output_event_name": None,
    }
    return model("workflows.events.StepStateChanged", value | fields)


def result(returned: object, **more: object) -> dict[str, Any]:
    return {"type": "result", "result": returned, "fanned_out": False} | more


def step_result(**more: object) -> dict[str, Any]:
    tick = {
        "type": "step_result",
        "step_id": "increment",
        "worker_id": 0,
        "event": model("m.Tick", {"count": 1}),
        "result": [result(model("m.Tick", {"count": 2}))],
        "stamped_at": 1795391802.8115,
        "invocation_id": "invocation_1",
    }
    return tick | more


def add_event(**more: object) -> dict[str, Any]:
    tick = {
        "type": "add_event",
        "event": model("m.Tick", {"count": 2}),
        "stamped_at": 1795391802.8116,
        "emission": {"invocation_id": "invocation_1", "index": 0},
    }
    return tick | more


COUNTED = {
    "at": AT,
    "ticks": [step_result(), add_event()],
    "store": [{"op": "replace", "path": "/count", "value": 2}],
    "stream": [
        changed(step_state="not_running", input_event_name="<class 'm.Tick'>"),
        changed(),
    ],
    "bodies": {"invocation_1": [1795391802.8111, 1795391802.8114, 1]},
}

BODIES: dict[str, dict[str, Any]] = {
    "counted": COUNTED,
    "nothing": {"at": AT},
    "another worker": {"at": AT, "ticks": [step_result(worker_id=3)]},
    "a retry": {
        "at": AT,
        "ticks": [step_result()],
        "bodies": {"invocation_1": [AT - 5, AT - 4, 3]},
    },
    "no result": {"at": AT, "ticks": [step_result(result=[]), add_event()]},
    "two results": {
        "at": AT,
        "ticks": [
            step_result(result=[result(model("m.A", {})), result(model("m.B", {}))]),
            add_event(event=model("m.A", {})),
            add_event(
                event=model("m.B", {}),
                emission={"invocation_id": "invocation_1", "index": 1},
            ),
        ],
    },
    "fanned out": {
        "at": AT,
        "ticks": [
            step_result(result=[result([model("m.A", {})], fanned_out=True)]),
            add_event(event=model("m.A", {})),
        ],
    },
    "another event than returned": {
        "at": AT,
        "ticks": [step_result(), add_event(event=model("m.Other", {}))],
    },
    "a sender that is not here": {
        "at": AT,
        "ticks": [add_event(emission={"invocation_id": "other", "index": 2})],
    },
    "nothing returned": {
        "at": AT,
        "ticks": [step_result(result=[result(None)]), add_event()],
    },
    "a message": {
        "at": AT,
        "ticks": [{"type": "add_event", "event": model("m.A", {}), "stamped_at": AT}],
    },
    "a failure": {
        "at": AT,
        "ticks": [step_result(result=[{"type": "failed", "exception": {}}])],
    },
    "a body whose tick is elsewhere": {"at": AT, "bodies": {"i": [1.5, 2.25, 1]}},
    "times that are no tenths": {
        "at": 12.123456789,
        "ticks": [step_result(stamped_at=3.1415926)],
        "bodies": {"invocation_1": [1e-9, 12.0, 1]},
    },
    "a whole time": {"at": AT, "ticks": [step_result(stamped_at=12)]},
    "mappings that look packed": {
        "at": AT,
        "store": [
            {"op": "add", "path": "/a", "value": {"@": {"@x": 1}}},
            {"op": "replace", "path": "/b", "value": {"@m.Tick": {"@": 2}}},
            {"op": "replace", "path": "/c", "value": [{"@a": 1, "b": 2}, {"": {}}]},
            {"op": "remove", "path": "/d"},
        ],
        "prompts": [{"asked": model("m.Q", {"inner": model("m.I", {"@": 1})})}],
        "flight": {"@a|work|0": [[1, 2, 3, [0]]]},
    },
    "almost models": {
        "at": AT,
        "store": [
            {"op": "add", "path": "/a", "value": model("m.A", {}) | {"more": 1}},
            {
                "op": "add",
                "path": "/b",
                "value": {"__is_pydantic": False} | model("", 1),
            },
            {
                "op": "add",
                "path": "/c",
                "value": model("m.A", {}) | {"__is_pydantic": 1},
            },
        ],
    },
    "odd names": {
        "at": AT,
        "stream": [
            changed(name="<odd"),
            changed(name="<0"),
            changed(input_event_name="<class '0'>"),
            model("0", {"@0": 1}),
            changed(output_event_name="<class 'a<b>'>"),
            changed(output_event_name="<class ''>"),
            changed(more=1),
            model("m.Shown", ["a", "list"]),
        ],
    },
}


@pytest.mark.parametrize("name", BODIES)
def test_nothing_is_lost(name: str) -> None:
    body = BODIES[name]
    before = json.dumps(body)

    packed = json.loads(json.dumps(pack(body)))

    assert unpack(packed) == body
    assert json.dumps(body) == before


def test_a_counting_step_is_less_than_half_as_long() -> None:
    assert len(json.dumps(pack(COUNTED))) < len(json.dumps(COUNTED)) / 2


def any_tree(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(3 if depth > 4 else 6)
    if kind == 0:
        return chance.choice([None, True, 0, -3, 1.5, "", "@", "<x", "m.A"])
    if kind == 1:
        return chance.choice([1795391802.5, AT, 12])
    if kind == 2:
        return chance.choice(["<class 'm.A'>", "@m.A", "__is_pydantic"])
    size = chance.randrange(3)
    if kind == 3:
        return [any_tree(chance, depth + 1) for _ in range(size)]
    if kind == 4:
        return model(chance.choice(["m.A", ""]), any_tree(chance, depth + 1))
    names = ["@", "@m.A", "a", "__is_pydantic", "value", "qualified_name"]
    return {chance.choice(names): any_tree(chance, depth + 1) for _ in range(size)}


@pytest.mark.parametrize("seed", range(200))
def test_nothing_is_lost_of_any_value(seed: int) -> None:
    chance = random.Random(seed)
    body = {
        "at": AT,
        "ticks": [
            step_result(
                event=any_tree(chance),
                result=[result(any_tree(chance)) for _ in range(chance.randrange(3))],
            ),
            add_event(event=any_tree(chance)),
        ],
        "store": [{"op": "replace", "path": "/a", "value": any_tree(chance)}],
        "prompts": [any_tree(chance)],
    }

    assert unpack(json.loads(json.dumps(pack(body)))) == body
