"""The one part that is compiled, where a C compiler is at hand; without it all works the same, only slower. The rest is in setup.cfg."""

import os

from setuptools import Extension, setup

compiled = Extension(
    "sdtm_convert.xpt._compiled",
    ["sdtm_convert/xpt/_compiled.c"],
    optional=True,
    py_limited_api=True,
    extra_compile_args=[] if os.name == "nt" else ["-O3"],  # Python may have been built with less, by which loops over bytes take seven times as long
)
setup(ext_modules=[compiled], options={"bdist_wheel": {"py_limited_api": "cp311"}})
