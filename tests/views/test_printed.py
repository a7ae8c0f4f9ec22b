"""Printed text on a panel: bounded, marked, and nothing but text."""

from __future__ import annotations

from durable_notebook.journal._printed import Output, Printed
from durable_notebook.views import printed


def output(*texts: str, session: int = 1) -> Output:
    return Output(tuple(Printed("a", text, 1) for text in texts), session=session)


def test_a_live_run_shows_its_text_without_marks() -> None:
    assert printed.html(output("one\n", "two")) == (
        '<div class="dn-out"><pre>one\ntwo\n</pre></div>'
    )
    assert printed.text(output("one\n", "two")) == "one\ntwo"
    assert printed.html(Output()) == printed.text(Output()) == ""


def test_what_an_earlier_life_printed_is_marked() -> None:
    parts = (Printed("a", "one\n", 1), Printed("a", "two\n", 2))

    shown = printed.text(Output(parts, session=2))

    assert shown == "── replayed: from session 1\none\n── session 2\ntwo"
    assert "replayed: from session 1</span>\none" in printed.html(
        Output(parts[:1], session=0)
    )


def test_hostile_text_stands_there_as_text() -> None:
    hostile = (
        "\x1b[31mred\x1b[0m <img onerror=x> </pre> \x1b]0;title\x07\u202eabc\x00\x08"
    )

    shown = printed.html(output(hostile))

    assert "red &lt;img onerror=x&gt; &lt;/pre&gt; \ufffdabc\ufffd\ufffd" in shown
    assert "title" not in shown
    assert "\x1b" not in printed.text(output(hostile))


def test_it_is_bounded() -> None:
    lines = "".join(f"{n}\n" for n in range(10_000))

    shown = printed.html(output(lines))

    assert len(shown) < 3_000
    assert "… earlier output: await run.output()\n9800\n" in shown
    assert shown.endswith("9999\n</pre></div>")
    assert len(printed.html(output("x" * 1_000_000))) < 20_000
    assert len(printed.text(output(lines)).splitlines()) == 21
