"""The JSON form of a journal entry."""

from __future__ import annotations

import json

import pytest

from durable_notebook.journal._entry import FORMAT, Entry

FULL = Entry(
    session=3,
    at=12.5,
    code="0123456789abcdef",
    position=7,
    ticks=[{"type": "step_result", "step_id": "a", "worker_id": 0, "event": {}}],
    store=[{"op": "add", "path": "/x", "value": None}],
    stream=[{"qualified_name": "m.E", "value": {"text": "żółć \u2028"}}],
    steps=3,
    events=5,
    cursor=4,
    bodies={"invocation_1": [1.0, 2.5, 1]},
    starts=["a:0"],
    flight={"a|w|0": [[1, 2, 3, [0, 4]]]},
    interrupted=[{"step": "a", "attempt": 1}],
    prompts=[{"number": 0}],
    progress=[3, 10, "pages"],
    rest=20.5,
    output=[["a", "printed\n\x00\x1b[1m"]],
    end={"status": "completed", "result": {}},
)


@pytest.mark.parametrize("entry", [FULL, Entry(session=0, at=0.0)])
def test_an_entry_is_the_same_after_a_round_trip(entry: Entry) -> None:
    text = entry.encode()

    assert Entry.decode(text) == entry
    assert Entry.decode(text).encode() == text


def test_empty_members_are_left_out() -> None:
    assert json.loads(Entry(session=1, at=0.0).encode()) == {
        "v": FORMAT,
        "session": 1,
        "at": 0.0,
    }


def test_every_member_is_written() -> None:
    assert list(json.loads(FULL.encode())) == ["v", *Entry.__slots__]


def test_an_entry_is_compact() -> None:
    text = Entry(session=1, at=2.0, starts=["a:0", "b:1"]).encode()

    assert text == '{"v":1,"session":1,"at":2.0,"starts":["a:0","b:1"]}'


def test_members_that_are_unknown_are_ignored() -> None:
    """A later version of this format may add some."""
    assert Entry.decode('{"v":1,"session":1,"at":2,"colour":"red"}').session == 1


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(ValueError, match=f"format {FORMAT + 1}, this version reads"):
        Entry.decode(json.dumps({"v": FORMAT + 1, "session": 1, "at": 0}))


@pytest.mark.parametrize("member", ["ticks", "prompts", "bodies", "end"])
def test_a_member_of_another_kind_is_refused(member: str) -> None:
    text = json.dumps({"v": FORMAT, "session": 1, "at": 0, member: 7})

    with pytest.raises(ValueError, match=f"its '{member}' is no (list|dict)"):
        Entry.decode(text)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"v":"1"}', "7"])
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Entry.decode(text)


def test_entries_do_not_share_their_members() -> None:
    one, other = Entry(session=1, at=0), Entry(session=1, at=0)

    one.ticks.append({})

    assert other.ticks == []
