"""The compiled inner loops, if they could be built when the package was installed; None means that numpy does the same work, more slowly."""

from __future__ import annotations

import os

SWITCH = "SDTM_CONVERT_COMPILED"  # 0 in the environment: numpy's way, though there is another

try:
    from sdtm_convert.xpt import _compiled as kernels
except ImportError:  # there was no C compiler
    kernels = None

if os.environ.get(SWITCH) == "0":
    kernels = None
