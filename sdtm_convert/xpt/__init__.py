"""SAS transport files, version 5 (the format of FDA submissions), as SAS's technical note TS-140 describes it.

`write_xpt` and `read_xpt` are exact to the byte and refuse what they would have to alter. See docs/transport-files.md.
"""

from sdtm_convert.xpt.header import Stamp, XptMetadata, XptVariable, XptWarning
from sdtm_convert.xpt.read import list_members, read_xpt
from sdtm_convert.xpt.write import write_members, write_xpt

__all__ = ["Stamp", "XptMetadata", "XptVariable", "XptWarning", "list_members", "read_xpt", "write_members", "write_xpt"]
