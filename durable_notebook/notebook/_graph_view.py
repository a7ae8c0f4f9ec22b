"""The live graph of a run: its steps and events, and what has been done at each."""

from __future__ import annotations

from durable_notebook._graph import Graph
from durable_notebook._model import Attempt, RunInfo
from durable_notebook.notebook._followed import Followed
from durable_notebook.notebook._session import Session
from durable_notebook.notebook._view import View
from durable_notebook.views import graph, live


class GraphView(View):
    """Draws the picture that it is sent."""

    scripts = ("graph.js",)
    styles = ("graph.css",)


class GraphOf(Followed):
    """The graph of one run, in the output of the cell that makes it."""

    kind = GraphView

    def __init__(self, session: Session, run_id: str) -> None:
        self._graph = Graph("", (), ())
        super().__init__(session, run_id)

    async def _prepare(self) -> None:
        if not self._graph.nodes:
            self._graph = await self._client.graph(self.info, self.rows)

    def _twin(self) -> tuple[str, str]:
        done = graph.doings(self.info, self.rows)
        return graph.twin(self._graph, self.info, done)

    def _tell_all(self) -> None:
        done = graph.doings(self.info, self.rows)
        content = {"kind": "graph", "run": live.run(self.info)}
        if 0 < len(self._graph.nodes) <= graph.MOST_DRAWN:
            content["picture"] = graph.picture(self._graph, done)
        else:
            content["text"] = graph.text(self._graph, self.info, done)
        self._send(content)

    def _tell(self, before: tuple[RunInfo, list[Attempt]]) -> None:
        if before[0] != self.info or before[1] != self.rows:
            self._tell_all()
