"""`python -m sdtm_convert` is the command `sdtm-convert`."""

from .cli import main

main()
