"""Findings: what is wrong with data, as a table. One row a finding; never raised, never dropped."""

from __future__ import annotations

import pandas as pd

COLUMNS = ("rule", "severity", "dataset", "record", "usubjid", "seq", "variables", "values", "message", "source")
SEVERITIES = ("error", "warning", "notice")


def findings(rows: list[dict] | dict[str, object] | None = None) -> pd.DataFrame:
    """A findings table from literal rows or from columns; what a row does not name is missing.

    Columns: `rule`, `severity` (error, warning, notice), `dataset`, `record` (1-based row in the dataset, missing for a
    dataset-level finding), `usubjid`, `seq`, `variables` and `values` (lists joined by "; "), `message`, `source` (raw table,
    row and field where known). `record` and `seq` are nullable integers, all others text.
    """
    table = pd.DataFrame(rows if rows is not None else [])
    table = table.reindex(columns=list(COLUMNS))
    numbers = {name: pd.to_numeric(table[name]).astype("Int64") for name in ("record", "seq")}
    return table.astype({name: "str" for name in COLUMNS if name not in numbers}).assign(**numbers)[list(COLUMNS)]


def combine(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Several findings tables as one, most severe first, else in the order given."""
    kept = [table for table in tables if len(table)]
    if not kept:
        return findings()
    table = pd.concat(kept, ignore_index=True)
    rank = table["severity"].map({severity: rank for rank, severity in enumerate(SEVERITIES)})
    return table.iloc[rank.argsort(kind="stable")].reset_index(drop=True)


def shortened(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """The findings with at most so many notices of a rule on a dataset; a row for the dataset says how many more there were.

    Errors and warnings are never left out.
    """
    place = table.groupby(["rule", "dataset"], dropna=False).cumcount()
    surplus = (table["severity"] == "notice") & (place >= most)
    if not surplus.any():
        return table
    more = table[surplus].groupby(["rule", "dataset"], dropna=False, sort=False).size().reset_index(name="count")
    rows = [{"rule": rule, "severity": "notice", "dataset": dataset, "message": f"... and {count:,} further records with this notice"}
            for rule, dataset, count in more.itertuples(index=False)]
    return combine([table[~surplus], findings(rows)])
