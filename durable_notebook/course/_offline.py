"""A model for lessons: the same answers each time, no network, and it keeps a bill.

What a call used is in its reply where the responses of LlamaIndex's models have it, so
that panels and journals count it as they count a real one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from durable_notebook.course._ledger import Ledger

_LETTERS_A_TOKEN = 4
_WORDS = 12


class Reply(BaseModel):
    """What the model answers. `raw` is what a provider sends with it."""

    text: str
    raw: dict[str, Any]

    @property
    def tokens(self) -> int:
        """What the call used, prompt and answer together."""
        return int(self.raw["usage"]["total_tokens"])

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Bill:
    """What was paid for, in all lives of all processes."""

    calls: int
    tokens: int
    cents: float

    def __str__(self) -> str:
        calls = f"{self.calls} call" if self.calls == 1 else f"{self.calls} calls"
        return f"{calls}, {self.tokens:,} tokens, {self.cents:.2f} cents"


class OfflineModel:
    """Answers by a table, else with the first words of the prompt.

    `answers` has what to say to a prompt that contains a text. A call takes `takes_s`
    seconds and is paid for when it begins: `ledger` is the provider's own file, outside
    of any journal, and has it even if the process dies before the answer is there.
    """

    def __init__(
        self,
        ledger: str | Path = "model_calls.txt",
        *,
        answers: Mapping[str, str] | None = None,
        cents_per_1000_tokens: float = 1.5,
        takes_s: float = 0.2,
    ) -> None:
        self.ledger = Ledger(ledger)
        self._answers = dict(answers or {})
        self._price = cents_per_1000_tokens
        self._takes_s = takes_s

    async def ask(self, prompt: str, *, key: str | None = None) -> Reply:
        """Ask, and pay; on the bill before the answer comes.

        With a key it is paid once: who asks again with the same one gets the same
        reply for nothing.
        """
        text = self._answer(prompt)
        reply = Reply(text=text, raw=_response(prompt, text, key))
        line = {"id": reply.raw["id"], "tokens": reply.tokens, "prompt": prompt[:60]}
        self.ledger.add(json.dumps(line), key=key)
        await asyncio.sleep(self._takes_s)
        return reply

    def bill(self) -> Bill:
        """What all calls so far have cost."""
        calls = [json.loads(line) for line in self.ledger.lines()]
        tokens = sum(call["tokens"] for call in calls)
        return Bill(len(calls), tokens, tokens * self._price / 1000)

    def _answer(self, prompt: str) -> str:
        for part, answer in self._answers.items():
            if part in prompt:
                return answer
        words = prompt.split()
        more = " …" if len(words) > _WORDS else ""
        return f"In short: {' '.join(words[:_WORDS])}{more}"


def _response(prompt: str, text: str, key: str | None) -> dict[str, Any]:
    """As OpenAI's has it. The same key is the same call."""
    name = secrets.token_hex(6) if key is None else _digest(key)
    given, made = _tokens(prompt), _tokens(text)
    usage = {"prompt_tokens": given, "completion_tokens": made}
    usage["total_tokens"] = given + made
    return {"id": f"call-{name}", "usage": usage}


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _tokens(text: str) -> int:
    return max(1, round(len(text) / _LETTERS_A_TOKEN))
