from __future__ import annotations

from collections.abc import Callable

import httpx

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.levels import process_profiles
from connexeo.tools.conformance.resources import listed_processes

Pretend = Callable[..., tuple[BackEnd, Inspection]]


def _listing(pretend: Pretend, *ids: str) -> BackEnd:
    document = {"processes": [{"id": each} for each in ids], "links": []}
    return pretend(lambda request: httpx.Response(200, json=document), offered=("GET /processes",))[0]


def test_nothing_is_said_of_what_nobody_has_asked(pretend: Pretend) -> None:
    assert process_profiles(_listing(pretend)) == ()


def test_what_is_missing_is_told(pretend: Pretend) -> None:
    backend = _listing(pretend, "vector_buffer", "vector_reproject")
    backend.once(listed_processes)
    profiles = {profile.name: profile for profile in process_profiles(backend)}
    assert profiles["L2B"].missing == ("filter_vector",)
    assert len(profiles["L1"].missing) == len(profiles["L1"].asked) > 50


def test_nobody_is_asked_for_what_is_not_defined(pretend: Pretend) -> None:
    backend = _listing(pretend, "fit_curve", "predict_curve", "unflatten_dimension")
    backend.once(listed_processes)
    profiles = {profile.name: profile for profile in process_profiles(backend)}
    assert profiles["L3-ML"].asked == ("fit_curve", "predict_curve")
    assert profiles["L3-ML"].missing == ()
    assert "unflatten_dimension" in profiles["L3"].asked
    assert "unflatten_dimension" not in profiles["L3"].missing
