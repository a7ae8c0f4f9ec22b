"""Fields with an alias: forms, answers and the journal have them by their names."""

from __future__ import annotations

from typing import Any

import pytest
from process_lives import launched, never, soon, until
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field
from sample_workflows import Logged
from workflows import step
from workflows.events import (
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)

from durable_notebook import Client
from durable_notebook.errors import InvalidFieldsError


class ByAlias(BaseModel):
    qty: int = Field(alias="theQty", ge=1)


class ByValidation(BaseModel):
    qty: int = Field(validation_alias="theQty", ge=1)


class BySerialization(BaseModel):
    qty: int = Field(serialization_alias="theQty", ge=1)


class ByChoices(BaseModel):
    qty: int = Field(
        validation_alias=AliasChoices("theQty", AliasPath("of", "qty")), ge=1
    )


class ByEither(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    qty: int = Field(alias="theQty", ge=1)


NESTED = [ByAlias, ByValidation, BySerialization, ByChoices, ByEither]


class Ask(InputRequiredEvent):
    question: str


class Top(HumanResponseEvent):
    qty: int = Field(alias="theQty", ge=1)


def answer_with(line: type[BaseModel]) -> type[HumanResponseEvent]:
    space = {"__annotations__": {"line": line}, "__module__": __name__}
    made: Any = type(f"AnswerWith{line.__name__}", (HumanResponseEvent,), space)
    globals()[made.__name__] = made
    return made  # type: ignore[no-any-return]


ANSWERS = [answer_with(line) for line in NESTED] + [Top]


def workflow_of(answer: type[HumanResponseEvent]) -> type[Logged]:
    class Ordering(Logged):
        @step
        async def ask(self, ev: StartEvent) -> Ask:
            return Ask(question="How many?")

        @step
        async def take(self, ev: answer) -> StopEvent:  # type: ignore[valid-type]
            self.log.append("take")
            await self.pass_gate()
            return StopEvent(result=getattr(ev, "line", ev).qty)

    Ordering.take.__annotations__["ev"] = answer
    return Ordering


def given(answer: type[HumanResponseEvent], **fields: int) -> dict[str, Any]:
    return fields if answer is Top else {"line": fields}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda a: a.__name__)
async def test_what_a_form_shows_is_what_it_sends_and_what_the_body_gets(
    journal_url: str, answer: type[HumanResponseEvent]
) -> None:
    """And what a second life reads: the body is begun again from the journal."""
    kind, log = workflow_of(answer), list[str]()
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        kind(log, never, runtime=runtime).run(run_id="a")
        await until(lambda: (e := runtime.store.last_entry("a")) and e.entry.prompts)
        info = await client.run("a").info()
        (form,) = client.forms(info.workflow, info.prompts[0])
        fields = form["schema"]["properties"]
        if answer is not Top:
            (line,) = form["schema"]["$defs"].values()
            fields = line["properties"]
        assert list(fields) == ["qty"]

        problems = client.problems(info.workflow, info.prompts[0], given(answer, qty=0))
        where = "qty" if answer is Top else "line.qty"
        assert problems == {where: "input should be greater than or equal to 1"}
        with pytest.raises(InvalidFieldsError, match="greater than or equal to 1"):
            await client.answer("a", given(answer, qty=0))
        await client.answer("a", given(answer, qty=3))
        await until(lambda: log)

    async with launched(journal_url) as runtime:
        handler = kind(log, runtime=runtime).run(run_id="a")
        assert await soon(handler) == 3
    assert log == ["take", "take"]


@pytest.mark.parametrize("line", NESTED, ids=lambda a: a.__name__)
async def test_an_alias_is_taken_where_the_class_takes_it(
    journal_url: str, line: type[BaseModel]
) -> None:
    answer = ANSWERS[NESTED.index(line)]
    name = "qty" if line is BySerialization else "theQty"
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        handler = workflow_of(answer)(runtime=runtime).run(run_id="a")
        await until(lambda: (e := runtime.store.last_entry("a")) and e.entry.prompts)
        await client.answer("a", {"line": {name: 3}})
        assert await soon(handler) == 3
