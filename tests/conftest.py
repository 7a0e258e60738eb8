"""Fixtures that the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how long a test takes is no matter of right and wrong
settings.load_profile("untimed")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and official references; SDTM_CONVERT_SHARED names it, else it lies beside the checkout."""
    place = Path(os.environ.get("SDTM_CONVERT_SHARED", REPOSITORY.parent / "shared"))
    if not place.is_dir():
        pytest.skip(f"the reference data are not at {place}; set SDTM_CONVERT_SHARED to their folder")
    return place


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def both_ways(request):
    """The inner loops of transport files once as compiled, once as numpy does them."""
    from sdtm_convert.xpt import compiled

    if request.param == "compiled" and not compiled.kernels:
        pytest.skip("the compiled part is not installed (no C compiler) or switched off")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "numpy":
            patch.setattr(compiled, "kernels", None)
        yield
