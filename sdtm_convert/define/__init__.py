"""Define-XML 2.1: the metadata of a package as define.xml, its checks, and its HTML. See docs/define-xml.md."""

from .check import RULES as _CHECKS
from .check import check_define
from .compare import RULES as _COMPARISONS
from .compare import compare_with_xpt
from .render import render_html
from .write import define_xml, write_define

RULES = _CHECKS | _COMPARISONS

__all__ = ["RULES", "check_define", "compare_with_xpt", "define_xml", "render_html", "write_define"]
