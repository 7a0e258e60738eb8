"""The one part that is compiled, where a C compiler is at hand; without it all works the same, only slower. The rest is in setup.cfg."""

from setuptools import Extension, setup

setup(
    ext_modules=[Extension("sdtm_convert.xpt._compiled", ["sdtm_convert/xpt/_compiled.c"], optional=True, py_limited_api=True)],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
