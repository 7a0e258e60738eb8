"""Raw eCRF exports -> CDISC SDTM and ADaM -> XPT v5, define.xml 2.1 and findings, from one specification.

    import sdtm_convert as sc
    built = sc.build("mappings/IRCT20200413047063N2")
    built.datasets["AE"], built.findings
"""

from importlib import import_module

_HOMES = {"load_study": "load", "build": "flow", "Build": "flow", "read_xpt": "xpt", "write_xpt": "xpt", "write_package": "output",
          "SpecError": "errors", "MappingError": "errors", "InputError": "errors"}

__all__ = [*_HOMES, "validate"]


def __getattr__(name: str):
    """The public names, imported when they are first used: `sdtm-convert --help` waits for no data library."""
    if name == "validate":
        return import_module(".validation", __name__).findings_of
    if name not in _HOMES:
        raise AttributeError(f"module 'sdtm_convert' has no attribute '{name}'")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
