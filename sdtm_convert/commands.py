"""How every command ends: our own errors become one clear message and the exit code that belongs to them."""

from __future__ import annotations

import os
import sys
import traceback

import click

from .errors import SdtmConvertError, SpecError


UNFINISHED = 3  # the exit code of a run that could not be completed


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
            context.exit(UNFINISHED)
        except (OSError, MemoryError) as error:
            click.echo(f"sdtm-convert: the run could not be completed: {str(error) or 'not enough memory'}.", err=True)
            context.exit(UNFINISHED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception:  # a fault of ours: told whole, and never with the exit code of findings
            traceback.print_exc()
            click.echo("sdtm-convert: this is a fault of sdtm-convert itself; please report it with the lines above.", err=True)
            context.exit(UNFINISHED)


def _spec_faults(error: SpecError) -> str:
    count = sum(1 for fault in error.faults if fault.place.line)
    counted = f"\nsdtm-convert: {count} {'fault' if count == 1 else 'faults'} in the specification; no data were read." if count else ""
    return f"{error}{counted}"


class Group(click.Group):
    command_class = Command
