"""The magics, a module for each thing one does. To add one: a class here, and `ALL`."""

from __future__ import annotations

from durable_notebook.notebook.magics._base import DurableMagics
from durable_notebook.notebook.magics.answer import AnswerMagics
from durable_notebook.notebook.magics.check import CheckMagics
from durable_notebook.notebook.magics.connect import ConnectMagics
from durable_notebook.notebook.magics.doctor import DoctorMagics
from durable_notebook.notebook.magics.inbox import InboxMagics
from durable_notebook.notebook.magics.nest import NestMagics
from durable_notebook.notebook.magics.read import ReadMagics
from durable_notebook.notebook.magics.restart import RestartMagics
from durable_notebook.notebook.magics.run import RunMagics
from durable_notebook.notebook.magics.serve import ServeMagics
from durable_notebook.notebook.magics.timeline import TimelineMagics
from durable_notebook.notebook.magics.upkeep import UpkeepMagics

ALL: tuple[type[DurableMagics], ...] = (
    ConnectMagics,
    RestartMagics,
    RunMagics,
    ReadMagics,
    AnswerMagics,
    InboxMagics,
    ServeMagics,
    TimelineMagics,
    DoctorMagics,
    UpkeepMagics,
    CheckMagics,
    NestMagics,
)
