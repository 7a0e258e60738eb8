"""Match Datasets: a dataset with the columns of related records of other ones. Rules that match alike share the result."""

from __future__ import annotations

from .match import add_qualifiers, join, join_parents, parents_of
from .match_relrec import join_related
from .rule import Match, NotRun, Rule, conditions
from .study import Study
from .table import Table


def match_datasets(rule: Rule, table: Table, study: Study) -> Table:
    """The table with the columns of every dataset that the rule matches; a dataset that is not there is left out."""
    written = [name for condition in conditions(rule.check) for name in (condition.name, condition.value)]
    named = frozenset(name for name in written if isinstance(name, str) and "." in name)
    merged: set[str] = set()
    for match in rule.matches:
        if match.child:
            parents = parents_of(match, table, study)
            if parents and not {"IDVAR", "IDVARVAL"} & {key for pair in match.keys for key in pair}:
                raise NotRun("matching a child dataset without IDVAR and IDVARVAL")
            table = study.once(("child", table, match), lambda t=table, p=parents: join_parents(t, p)) if parents else table
            continue
        if match.name == (table.source or table).unsplit or match.name in merged:
            continue
        name = _supp_name(table) if match.name in ("SUPP--", "SQ--") else match.name
        other = study.whole(name)
        if other is not None and study.core_compatible:  # of a split dataset it joins the first part alone
            other = study.tables[other.name]
        if other is not None:
            key = ("match", table, match, frozenset(n for n in named if n.startswith(match.name + ".")))
            table = study.once(key, lambda t=table, o=other, m=match: _matched(t, o, m, named, study))
            merged.add(match.name)
    return table


def _matched(table: Table, other: Table, match: Match, named: frozenset[str], study: Study) -> Table:
    if match.name == "RELREC":
        return join_related(table, other, match.wildcard, study)
    if other.is_supp:
        return add_qualifiers(table, other)
    return join(table, other, match, named)


def _supp_name(table: Table) -> str:
    return f"SUPP{table.domain or table.name}"
