"""Methods of this study's own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sdtm_convert.registry import Column, method


@method
def date_minus_years(date: Column, years: Column):
    """{date} minus {years} years.

    The counterpart of the raw export was given its birth dates so; they are estimates, not collected. 29 February becomes 28 February.
    """
    year = date.str.slice(0, 4).astype("float64") - pd.to_numeric(years)
    whole = year.notna().to_numpy() & (date.str.len() == 10).to_numpy(dtype=bool, na_value=False)
    text = pd.Series(np.where(whole, year.fillna(0), 0).astype(int), index=date.index).astype("str").str.zfill(4) + date.str.slice(4, 10)
    leap = text.str.endswith("02-29") & (year % 4 != 0).to_numpy()
    return text.mask(leap, text.str.slice(0, 8) + "28").where(pd.Series(whole, index=date.index))
