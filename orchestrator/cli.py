"""The `switchboard` command.

Its sub-commands are entry points of the group `switchboard.commands`: a typer app, or a function.
Only the one that is called is imported, so that a client of a running service starts fast, and
packages above this one (evals) add theirs.

Exit codes: 0 done, 1 failed, 2 wrong usage or bad input, 3 service or model unavailable,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from model_servers.contracts import SwitchboardError
from orchestrator.commands.output import exit_code, note, one_line, suggestion

ENTRY_POINTS = "switchboard.commands"

INTERRUPTED = 130


class CommandBroken(SwitchboardError):
    """The package that brings this command, or something that it needs, is not whole."""

    code = "command_broken"


class Commands(TyperGroup):
    """The sub-commands that installed packages offer, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(_points())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        point = _points().get(cmd_name)
        if point is None:
            return None
        try:
            found = point.load()
        except ImportError as error:
            # One package's broken command must not take the others, or the help, with it.
            found = _broken(cmd_name, error)
        holder = typer.Typer(add_completion=False, rich_markup_mode=None)
        holder.callback()(root)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=cmd_name)
        else:
            holder.command(cmd_name)(found)
        group = typer.main.get_command(holder)
        assert isinstance(group, TyperGroup)
        return group.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in _points() and not args[0].startswith("-"):
            ctx.fail(f"There is no command {args[0]!r}; {suggestion(args[0], sorted(_points()))}")
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *_: Any, **more: Any) -> Any:
        """Run, and exit with a code; what went wrong is one line on stderr."""
        more["standalone_mode"] = False
        try:
            code = super().main(args, **more)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read the output has seen enough. The interpreter flushes once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except (KeyboardInterrupt, typer.Abort):
            sys.exit(INTERRUPTED)
        except Exception as error:
            if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help
                sys.stderr.write(f"{error}\n")
            else:
                note(one_line(error))
            sys.exit(exit_code(error))
        sys.exit(code if isinstance(code, int) else 0)


def _broken(name: str, error: ImportError) -> Callable[[], None]:
    def broken() -> None:
        raise CommandBroken(f"The command {name!r} can't be loaded: {error}.") from error

    broken.__doc__ = f"Can't be loaded: {error}."
    return broken


@cache
def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


app = typer.Typer(
    name="switchboard",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def root() -> None:
    """Ask in plain language; the right models do it.

    Exit codes: 0 done, 1 failed, 2 wrong usage or bad input, 3 service or model unavailable,
    130 interrupted. With SWITCHBOARD_DEBUG=1 an internal error shows its traceback.
    """


def main() -> None:
    """Entry point of the `switchboard` command."""
    app(prog_name="switchboard")
