"""A module imports only from those that stand before it here; a package counts as one module. A new module gets its place in the list."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "sdtm_convert"

ORDER = """
    errors model clock findings build_rules
    iso8601 date_formats imputation dates  condition_syntax condition_words conditions  columns registry units
    xpt readers methods documents  terminology_tables terminology standard dictionaries  rules
    plan resolve graph findings_domain load_mapping load  tables steps origins
    derive conform validation sources accounting metadata
    define dataset_columns dataset_json dataset_json_values dataset_json_read parquet formats  archives described dataset_readers datasets baseline waivers rule_texts conformance report
    flow lineage output  explain trace_records trace  compare_tables compare compare_report  rules_test
    commands rules_cli cli __main__
""".split()


def imported(path: Path) -> set[str]:
    """The modules of this package, by their first name, that a file imports anywhere in it."""
    package = path.relative_to(ROOT.parent).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], node.module or ""] if node.level else [node.module]).rstrip(".")
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in found if name.startswith("sdtm_convert.")}


FILES = [path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_a_module_imports_only_from_earlier_ones(path):
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if own == "schemas":
        assert not imported(path)
        return
    assert own in ORDER, f"give '{own}' its place in ORDER"
    resources = {"specs", "mappings", "define_files", "schemas"}
    assert imported(path) - resources - {own} <= set(ORDER[: ORDER.index(own)])


def test_each_module_stands_in_the_order_once_and_exists():
    assert len(ORDER) == len(set(ORDER))
    assert all((ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file() for name in ORDER)


def test_the_command_line_starts_without_anything_heavy():
    code = "import sys, sdtm_convert.cli; print(*sorted({'pandas', 'numpy', 'pyarrow', 'lxml', 'jsonschema_rs', 'openpyxl', 'yaml'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent).stdout == "\n"
