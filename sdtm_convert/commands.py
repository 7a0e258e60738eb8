"""How every command ends: our own errors become one clear message and the exit code that belongs to them."""

from __future__ import annotations

import os
import sys

import click

from .errors import SdtmConvertError, SpecError


class Command(click.Command):
    """A command that answers our own errors with one clear message and the exit code that belongs to them."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except SdtmConvertError as error:
            click.echo(_spec_faults(error) if isinstance(error, SpecError) else f"sdtm-convert: {error}", err=True)
            context.exit(error.exit_code)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            context.exit(3)


def _spec_faults(error: SpecError) -> str:
    count = sum(1 for fault in error.faults if fault.place.line)
    counted = f"\nsdtm-convert: {count} {'fault' if count == 1 else 'faults'} in the specification; no data were read." if count else ""
    return f"{error}{counted}"


class Group(click.Group):
    command_class = Command
