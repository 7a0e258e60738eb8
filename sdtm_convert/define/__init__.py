"""Define-XML 2.1: the metadata of a package as define.xml, its checks, and its HTML."""

from .write import define_xml, write_define

__all__ = ["define_xml", "write_define"]
