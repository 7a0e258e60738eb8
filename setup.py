"""The one part that is compiled, where a C compiler is at hand; without it all works the same, only slower. The rest is in setup.cfg."""

import sysconfig

from setuptools import Extension, setup

STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")  # a Python without the global lock has no stable interface: numpy does the work

setup(
    ext_modules=[Extension("sdtm_convert.xpt._compiled", ["sdtm_convert/xpt/_compiled.c"], optional=True, py_limited_api=STABLE)],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {},
)
