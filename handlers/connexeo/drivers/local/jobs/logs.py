"""Log entries of batch jobs; whoever appends holds the job's row."""

from __future__ import annotations

from connexeo.drivers.local.state.logbook import LEVELS, Logbook
from connexeo.drivers.local.state.tables import job_logs

__all__ = ["LEVELS", "append", "clear", "last_error", "page", "read"]

_LOGBOOK = Logbook(job_logs, job_logs.c.job_id)

append = _LOGBOOK.append
clear = _LOGBOOK.clear
last_error = _LOGBOOK.last_error
page = _LOGBOOK.page
read = _LOGBOOK.read
