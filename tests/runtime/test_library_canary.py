"""What a release of llama-index-workflows may break: each name by its name.

Imports of the package fail by themselves; here is what is looked up on objects.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from sample_workflows import Basket, Counter, Other, Tick
from workflows.context.serializers import JsonSerializer
from workflows.context.state_store import (
    DictState,
    InMemoryStateStore,
    StateCheckpoint,
    apply_state_patch,
)
from workflows.plugins.basic import basic_runtime
from workflows.runtime.types.internal_state import BrokerState, InProgressState
from workflows.runtime.types.named_task import PendingWorker
from workflows.runtime.types.plugin import (
    ExternalRunAdapter,
    InternalRunAdapter,
    Runtime,
)
from workflows.runtime.types.results import (
    AddWaiter,
    EmissionKey,
    RetryAttempt,
    SentEvent,
    StepWorkerFailed,
    StepWorkerState,
)
from workflows.runtime.types.step_function import StepWorkerFunction
from workflows.runtime.types.ticks import (
    TickAddEvent,
    TickStepResult,
    TickWaiterTimeout,
)


@pytest.mark.parametrize(
    "name",
    [
        "_get_steps",
        "_num_concurrent_runs",
        "_runtime",
        "_runtime_locked",
        "_switch_runtime",
        "_timeout",
        "workflow_name",
        "events",
        "serializer",
    ],
)
def test_a_workflow_has_the_attribute(name: str) -> None:
    assert hasattr(Other(), name), f"Workflow.{name} is gone"


@pytest.mark.parametrize("name", ["accepted_events", "context_state_type"])
def test_a_step_has_the_configuration(name: str) -> None:
    for step in Counter()._get_steps().values():
        assert hasattr(step, "_step_config"), "a step has no _step_config"
        assert hasattr(step._step_config, name), f"StepConfig.{name} is gone"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (TickStepResult, "step_id worker_id event result stamped_at invocation_id"),
        (TickAddEvent, "event work_item_id emission stamped_at"),
        (TickWaiterTimeout, "waiter_id"),
        (AddWaiter, "waiter_id waiter_event event_type requirements"),
        (SentEvent, "index"),
        (EmissionKey, "invocation_id index"),
        (StepWorkerState, "work_item_id invocation_id"),
        (RetryAttempt, "retry_number"),
        (InProgressState, "work_item_id worker_id attempts event"),
        (PendingWorker, "step_id worker_id coro"),
        (BrokerState, "workers"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_value_has_the_fields(kind: type[Any], names: str) -> None:
    found = set(getattr(kind, "model_fields", kind.__annotations__))

    assert set(names.split()) <= found, f"{kind.__name__} lost {names!r}: {found}"


def test_a_step_function_is_called_as_we_call_it() -> None:
    names = list(inspect.signature(StepWorkerFunction.__call__).parameters)

    expected = ["self", "state", "step_name", "event", "workflow", "bound_events"]
    assert names == [*expected, "retry"]


@pytest.mark.parametrize(
    ("kind", "methods"),
    [
        (
            InternalRunAdapter,
            "run_id write_to_event_stream get_now send_event wait_receive",
        ),
        (
            ExternalRunAdapter,
            "run_id send_event stream_published_events get_result",
        ),
        (
            Runtime,
            "register run_workflow get_internal_adapter get_external_adapter",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_interface_asks_for_what_we_implement(kind: Any, methods: str) -> None:
    found = kind.__abstractmethods__

    assert found == set(methods.split()), f"{kind.__name__} asks for {found}"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (InternalRunAdapter, "on_tick"),
        (InternalRunAdapter, "wait_for_next_task"),
        (InternalRunAdapter, "get_state_store"),
        (ExternalRunAdapter, "get_state_store"),
        (Runtime, "track_workflow"),
        (Runtime, "get_registered"),
        (Runtime, "get_serializer"),
        (InMemoryStateStore, "_load_state_or_none"),
        (InMemoryStateStore, "_write_state"),
        (InMemoryStateStore, "checkpoint"),
        (JsonSerializer, "with_types"),
        (JsonSerializer, "resolve_class"),
        (JsonSerializer, "validation_context"),
        (BrokerState, "from_workflow"),
        (BrokerState, "from_serialized"),
        (BrokerState, "to_serialized"),
    ],
)
def test_what_we_override_or_call_is_there(kind: type[Any], name: str) -> None:
    assert hasattr(kind, name), f"{kind.__name__}.{name} is gone"


@pytest.mark.parametrize("name", ["_default_serializer", "_launched"])
def test_a_runtime_has_the_attribute(name: str) -> None:
    assert hasattr(basic_runtime, name), f"Runtime.{name} is gone"


async def test_the_default_runtime_has_no_stores_of_namespaces() -> None:
    """Once it has, ticks need `origin_namespace`, which their JSON leaves out."""
    handler = Other().run()

    assert handler._external_adapter.get_state_store() is not None
    assert handler._external_adapter.get_state_store(("child",)) is None
    assert TickAddEvent.model_fields["origin_namespace"].exclude
    await handler


def test_an_error_in_a_tick_is_written_as_we_read_it() -> None:
    failed = StepWorkerFailed(exception=KeyError("x"), failed_at=1.0)
    tree = failed.model_dump(mode="json")["exception"]

    assert tree == {
        "exception_type": "builtins.KeyError",
        "exception_message": "'x'",
    }
    made = KeyError("made")
    read = StepWorkerFailed.model_validate({"exception": made, "failed_at": 1.0})
    assert read.exception is made


def test_a_mark_beside_an_event_is_not_read_by_the_library() -> None:
    serializer = JsonSerializer(allowed_types=[Tick])
    tree = serializer.serialize_value(Tick(count=1))

    assert serializer.deserialize_value({**tree, "typed": {}}) == Tick(count=1)


def test_a_serializer_knows_its_types_by_name() -> None:
    serializer = JsonSerializer(allowed_types=[Tick])

    assert Tick in serializer._registered_types.values(), "_registered_types"


async def test_a_handler_has_its_adapter_and_its_task() -> None:
    handler = Other().run()

    assert handler._external_adapter.run_id == handler.run_id
    assert isinstance(handler._result_task, asyncio.Task)
    await handler


class Watched(InMemoryStateStore[Any]):
    """Notes what goes through the two methods that we override."""

    seen: list[str]

    async def _load_state_or_none(self, storage: Any = None) -> Any:
        self.seen.append("load")
        return await super()._load_state_or_none(storage)

    async def _write_state(self, state: Any, storage: Any = None) -> None:
        self.seen.append("write")
        await super()._write_state(state, storage)


async def edit(store: Watched) -> None:
    async with store.edit_state() as state:
        state["n"] = 2


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda store: store.get("n"), {"load"}),
        (lambda store: store.get_state(), {"load"}),
        (lambda store: store.set("n", 2), {"load", "write"}),
        (lambda store: store.set_state(DictState(n=2)), {"write"}),
        (edit, {"load", "write"}),
        (lambda store: store.clear(), {"write"}),
    ],
    ids=["get", "get_state", "set", "set_state", "edit_state", "clear"],
)
async def test_each_use_of_a_store_comes_through_two_methods(
    use: Callable[[Watched], Any], expected: set[str]
) -> None:
    store = Watched(DictState(n=1))
    store.seen = []

    await use(store)

    assert expected <= set(store.seen), store.seen
    assert ("write" in store.seen) == ("write" in expected)


def test_a_patch_leads_from_one_checkpoint_to_the_next() -> None:
    serializer = JsonSerializer(allowed_types=[Basket])
    before = StateCheckpoint(Basket(items=["a"], total=1), serializer)
    after = StateCheckpoint(Basket(items=["a", "b"], total=2), serializer)

    patch = after.diff(before)

    assert apply_state_patch(before.to_dict(), patch) == after.to_dict()
    assert {op["op"] for op in patch} <= {"add", "remove", "replace"}
