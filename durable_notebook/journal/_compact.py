"""A shorter form of an entry's JSON, and back. It loses nothing.

Half of an entry would be names and times that say the same again and again. What is
shortened, and what stands for it:

* an event or another model, `{"__is_pydantic": true, "value": v, "qualified_name": n}`,
  becomes `{"@i": v}`, where `names` has the name at the place *i*; a mapping that looks
  so itself: `{"@": mapping}`
* a time: the tenths of a millisecond from the entry's own, a whole number
* some names of a tick: see `_SHORT`; the times of its body stand in it, as `ran`
* a result `{"type": "result", "result": r, "fanned_out": false}`: `{"result": r}`
* the event of an `add_event` that its sender returned in the same entry: left out
* a `StepStateChanged` of the stream: the list of its fields, `<class 'n'>` as `<i`
* a patch `{"op": "replace", "path": p, "value": v}`: `[p, v]`
"""

from __future__ import annotations

import re

from durable_notebook._model import Json

_IS_MODEL = "__is_pydantic"
_MODEL = {_IS_MODEL, "value", "qualified_name"}
_SHORT = {
    "stamped_at": "at",
    "invocation_id": "by",
    "emission": "from",
    "step_id": "step",
}
_LONG = {short: name for name, short in _SHORT.items()}
_CLASS = re.compile("<class '([^<>']*)'>")
_PLACE = re.compile("<[0-9]+")
_STATE_CHANGED = "workflows.events.StepStateChanged"
_STATE_FIELDS = (
    "name",
    "step_state",
    "worker_id",
    "input_event_name",
    "output_event_name",
)


def pack(body: dict[str, Json]) -> dict[str, Json]:
    """Shorten the members of an entry. The argument is not changed."""
    at, ticks = body["at"], body.get("ticks", [])
    short = dict(body)
    times = {k: _times(v, at) for k, v in body.get("bodies", {}).items()}
    if ticks:
        short["ticks"] = [_tick(tick, ticks, times, at) for tick in ticks]
    short["bodies"] = times
    if not times:
        del short["bodies"]
    names: Names = {}
    if "stream" in body:
        short["stream"] = [_streamed(event, names) for event in body["stream"]]
    if "store" in body:
        short["store"] = [_patch(operation) for operation in body["store"]]
    packed = {key: _short(value, names) for key, value in short.items()}
    return {**packed, "names": list(names)} if names else packed


def unpack(packed: dict[str, Json]) -> dict[str, Json]:
    """Undo `pack`."""
    names: list[str] = packed.get("names", [])
    body = {key: _long(v, names) for key, v in packed.items() if key != "names"}
    at = body["at"]
    times = body.get("bodies", {})
    if "ticks" in body:
        ticks = [_long_tick(tick, times, at) for tick in body["ticks"]]
        body["ticks"] = [_with_event(tick, ticks) for tick in ticks]
    if times:
        body["bodies"] = {key: _long_times(value, at) for key, value in times.items()}
    if "stream" in body:
        body["stream"] = [_long_streamed(event, names) for event in body["stream"]]
    if "store" in body:
        body["store"] = [_long_patch(operation) for operation in body["store"]]
    return body


# -- models ---------------------------------------------------------------------------


Names = dict[str, int]
"""The names of an entry's classes, and their places."""


def _short(tree: Json, names: Names) -> Json:
    if isinstance(tree, list):
        return [_short(item, names) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if len(tree) == len(_MODEL) and tree.keys() == _MODEL and tree[_IS_MODEL] is True:
        name = tree["qualified_name"]
        if isinstance(name, str):
            place = names.setdefault(name, len(names))
            return {f"@{place}": _short(tree["value"], names)}
    short = {key: _short(value, names) for key, value in tree.items()}
    if len(short) == 1 and next(iter(short)).startswith("@"):
        return {"@": short}  # It looks packed.
    return short


def _long(tree: Json, names: list[str]) -> Json:
    if isinstance(tree, list):
        return [_long(item, names) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if len(tree) == 1:
        ((key, value),) = tree.items()
        if key == "@":
            return {k: _long(v, names) for k, v in value.items()}
        if key.startswith("@"):
            return _model(names[int(key[1:])], _long(value, names))
    return {key: _long(value, names) for key, value in tree.items()}


def _model(name: str, value: Json) -> Json:
    return {"__is_pydantic": True, "value": value, "qualified_name": name}


# -- times ----------------------------------------------------------------------------


def _since(time: Json, at: float) -> Json:
    """A time as tenths of a millisecond from `at`, if that gives it back exactly."""
    if type(time) is int:
        return float(time)  # A whole number is what stands for a time.
    if not isinstance(time, float):
        return time
    tenths = round((time - at) * 10_000)
    return tenths if _time(tenths, at) == time else time


def _time(short: Json, at: float) -> Json:
    return round(at + short / 10_000, 4) if type(short) is int else short


def _times(times: list[Json], at: float) -> list[Json]:
    started, finished, attempt = times
    short = [_since(started, at), _since(finished, at)]
    return short if attempt == 1 else [*short, attempt]


def _long_times(short: list[Json], at: float) -> list[Json]:
    started, finished, *attempt = short
    return [_time(started, at), _time(finished, at), *(attempt or [1])]


# -- ticks ----------------------------------------------------------------------------


def _tick(tick: Json, ticks: list[Json], times: dict[str, Json], at: float) -> Json:
    short = {_SHORT.get(name, name): value for name, value in tick.items()}
    if "stamped_at" in tick:
        short["at"] = _since(tick["stamped_at"], at)
    if "result" in tick:
        short["result"] = [_result(result) for result in tick["result"]]
    if tick.get("worker_id") == 0:
        del short["worker_id"]
    if tick.get("invocation_id") in times:
        short["ran"] = times.pop(tick["invocation_id"])
    if "emission" in tick:
        sender, index = tick["emission"]["invocation_id"], tick["emission"]["index"]
        short["from"] = [sender, index]
        if "event" in tick and tick["event"] == _returned(sender, ticks):
            del short["event"]
    return short


def _long_tick(short: Json, times: dict[str, Json], at: float) -> Json:
    tick = {_LONG.get(name, name): value for name, value in short.items()}
    if "at" in short:
        tick["stamped_at"] = _time(short["at"], at)
    if "result" in short:
        tick["result"] = [_long_result(result) for result in short["result"]]
    if short["type"] == "step_result":
        tick.setdefault("worker_id", 0)
    if "ran" in short:
        times[short["by"]] = tick.pop("ran")
    if "from" in short:
        sender, index = short["from"]
        tick["emission"] = {"invocation_id": sender, "index": index}
    return tick


def _with_event(tick: Json, ticks: list[Json]) -> Json:
    if "emission" not in tick or "event" in tick:
        return tick
    return {**tick, "event": _returned(tick["emission"]["invocation_id"], ticks)}


def _returned(sender: str, ticks: list[Json]) -> Json:
    """The event that a body returned, if its result is among these ticks."""
    for tick in ticks:
        if tick["type"] == "step_result" and tick.get("invocation_id") == sender:
            returned = [r["result"] for r in tick.get("result", []) if _is_plain(r)]
            return returned[0] if len(returned) == 1 else None
    return None


def _is_plain(result: Json) -> bool:
    return bool(result["type"] == "result") and result.get("fanned_out") is False


def _result(result: Json) -> Json:
    is_plain = _is_plain(result) and result.keys() == {"type", "result", "fanned_out"}
    return {"result": result["result"]} if is_plain else result


def _long_result(short: Json) -> Json:
    if "type" in short:
        return short
    return {"type": "result", "result": short["result"], "fanned_out": False}


# -- stream and store -----------------------------------------------------------------


def _streamed(event: Json, names: Names) -> Json:
    value = event.get("value")
    is_change = event.get("qualified_name") == _STATE_CHANGED
    if not is_change or tuple(value) != _STATE_FIELDS:
        return event
    if any(isinstance(f, str) and _PLACE.fullmatch(f) for f in value.values()):
        return event
    return [_class_name(field, names) for field in value.values()]


def _class_name(field: Json, names: Names) -> Json:
    named = _CLASS.fullmatch(field) if isinstance(field, str) else None
    return f"<{names.setdefault(named[1], len(names))}" if named else field


def _long_class_name(field: Json, names: list[str]) -> Json:
    is_short = isinstance(field, str) and _PLACE.fullmatch(field)
    return f"<class '{names[int(field[1:])]}'>" if is_short else field


def _long_streamed(short: Json, names: list[str]) -> Json:
    if isinstance(short, list):
        values = [_long_class_name(field, names) for field in short]
        fields = dict(zip(_STATE_FIELDS, values, strict=True))
        return _model(_STATE_CHANGED, fields)
    return short


def _patch(operation: Json) -> Json:
    if operation["op"] == "replace":
        return [operation["path"], operation["value"]]
    return operation


def _long_patch(short: Json) -> Json:
    if isinstance(short, list):
        path, value = short
        return {"op": "replace", "path": path, "value": value}
    return short
