"""The command line. A command's docstring is its help; heavy imports wait until a command needs them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from . import __version__

if TYPE_CHECKING:
    from .reports.document import Report

FOUND, UNUSABLE = 1, 2
"""Exit status: findings at or above `--fail-on`; the tool or its arguments failed."""

SEVERITIES = ["error", "warning", "info"]
Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tflite-audit")
def cli() -> None:
    """Audit TensorFlow Lite models before they ship.

    `check` judges .tflite files that exist; `run` converts a model with every recipe, then checks, evaluates and
    reports; `demo` does so on real digits; `record` runs your own conversion script and reports what happens in it;
    `reduce` finds the smallest part of a model that fails to convert; `streamify` makes a recurrent model one that
    takes a step a call.

    Exit status: 0 nothing at or above --fail-on, 1 findings, 2 the tool or its arguments failed.
    """


def fail_on(command: Command) -> Command:
    """The option that decides the exit status."""
    return click.option(
        "--fail-on",
        type=click.Choice([*SEVERITIES, "never"]),
        default="error",
        show_default=True,
        help="Exit with 1 when a finding is at least this severe.",
    )(command)


def output(folder: str, holds: str | None = None) -> Callable[[Command], Command]:
    """The option that names the folder of the results; `holds` says what is in it."""
    return click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(folder),
        show_default=True,
        help=holds,
    )


def config(command: Command) -> Command:
    """The option that names the configuration file."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE.toml",
        help="Declares operators of your own.  [default: tflite-audit.toml, where there is one]",
    )(command)


def remedies(command: Command) -> Command:
    """The options of the trials after a conversion that failed."""
    switch = click.option(
        "--remedies/--no-remedies", default=True, help="Try what may cure a conversion that fails.  [default: on]"
    )
    budget = click.option(
        "--remedy-budget",
        type=click.FloatRange(min=0),
        default=120,
        show_default=True,
        metavar="SECONDS",
        help="For all remedies together.",
    )
    return switch(budget(command))


@cli.command()
@click.argument("models", metavar="MODEL.tflite...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to the terminal.")
@config
@fail_on
def check(models: Sequence[Path], kind: str, output: Path | None, config: Path | None, fail_on: str) -> None:
    """Judge .tflite files by the rules; TensorFlow is not needed.

    A file that is no model gets one line on stderr, the others are judged all the same, and the exit status is 2.
    """
    from . import audit
    from .config import load
    from .progress import shown

    with shown() as progress:
        report, refused = audit.check_each(models, progress, load(config))
    for line in refused:
        click.echo(f"tflite-audit: {line}", err=True)
    if report.models:
        _show(report, kind, output)
    if refused:
        sys.exit(UNUSABLE)
    _end(report, fail_on)


@cli.command()
@click.argument("source")
@click.option("--recipe", "recipes", multiple=True, metavar="NAME|FILE.toml", help="Repeatable; all when left out.")
@click.option("--calibration", metavar="FILE|MODULE:NAME", help="Samples for integer quantization.")
@click.option("--data", metavar="FILE|MODULE:NAME|FOLDER", help="Samples with labels, to measure accuracy.")
@click.option("--metric", default="top-1", show_default=True, help="top-1, top-K, mse, or MODULE:NAME.")
@click.option("--limit", type=click.IntRange(min=1), help="Evaluate the first N samples only.")
@click.option("--signature", help="Of a SavedModel, or of the model to evaluate.")
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Make each conversion N times, and compare what comes of it.",
)
@click.option("--tags", help="Of a SavedModel, separated by commas.  [default: serve]")
@click.option("--trust", is_flag=True, help="Load a .keras file that holds Python code (Lambda layers).")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=900, show_default=True, help="Seconds a step may take."
)
@remedies
@config
@output("tflite-audit-report", "Folder of report.html, report.json and one folder a recipe.")
@fail_on
def run(source: str, output: Path, fail_on: str, tags: str | None, **options: Any) -> None:
    """Convert SOURCE with every recipe, check, evaluate, report.

    SOURCE is a .keras or .h5 file, a SavedModel folder, package.module:name or path/file.py:name (a model, concrete
    functions, a tf.Module, or a function that returns one), or a .tflite, which is checked and evaluated only.
    """
    from . import audit
    from .progress import shown

    with shown() as progress:
        report = audit.run(source, output=output, tags=tags.split(",") if tags else (), progress=progress, **options)
    _tell(report, output)
    _end(report, fail_on)


@cli.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", metavar="-- COMMAND ARGS...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--timeout", type=click.FloatRange(min=1), help="Seconds after which the command is killed.")
@remedies
@config
@output("tflite-audit-report", "Folder of report.html, report.json and one folder a conversion.")
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, "never"]),
    help="Exit with 1 when a finding is at least this severe, and with 0 otherwise.  [default: the command's status]",
)
def record(command: Sequence[str], output: Path, fail_on: str | None, **options: Any) -> None:
    """Report what your own conversion script does.

    It is run as it is, and every TFLiteConverter.convert() in it is recorded.

    For example: tflite-audit record -- python convert.py --epochs 3

    The script runs at this terminal and notices nothing; what is said about it goes to stderr, so that its stdout stays
    its own. The exit status is its own too, unless --fail-on is given.
    """
    from .progress import shown
    from .record import record as recorded
    from .reports.formats import render

    found = recorded(command, output=output, progress=shown, **options)
    for note in found.notes:
        click.echo(f"tflite-audit: {note}", err=True)
    if found.report is None:
        sys.exit(found.status)
    click.echo(render(found.report, "text", terminal=sys.stderr.isatty()).decode(), nl=False, err=True)
    click.echo(f"Report: {output / 'report.html'}", err=True)
    if fail_on is None:
        sys.exit(found.status)
    _end(found.report, fail_on)


@cli.command()
@click.argument("source")
@click.option("--recipe", required=True, metavar="NAME|FILE.toml", help="The one that fails.")
@click.option("--calibration", metavar="FILE|MODULE:NAME", help="Samples for integer quantization.")
@click.option("--signature", help="The one to reduce, of several.")
@click.option("--tags", help="Of a SavedModel, separated by commas.  [default: serve]")
@click.option("--trust", is_flag=True, help="Load a .keras file that holds Python code (Lambda layers).")
@click.option(
    "--budget", type=click.FloatRange(min=1), default=600, show_default=True, help="Seconds the search may take."
)
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=900, show_default=True, help="Seconds a conversion may take."
)
@output("tflite-audit-reduced", "Folder of saved_model, reproduce.py and calibration.npz.")
def reduce(source: str, recipe: str, tags: str | None, **options: Any) -> None:
    """Find the smallest part that fails to convert.

    It fails in the same way as SOURCE, and is saved as a SavedModel beside a Python script showing the failure, ready
    for a bug report. Keras models are cut between layers, others between the tensors of the graph. Ctrl-C ends the
    search with the best part found so far. The exit status is 2 where there is nothing to reduce.
    """
    from . import reduce as reducing
    from .progress import shown

    with shown() as progress:
        found = reducing.reduce(
            source,
            recipe=recipe,
            tags=tags.split(",") if tags else (),
            progress=progress,
            on_trial=lambda trial: click.echo(reducing.told_trial(trial), err=True),
            **options,
        )
    click.echo(reducing.told(found, recipe))


@cli.command()
@click.argument("source")
@click.option(
    "--recipe",
    "recipes",
    multiple=True,
    metavar="NAME|FILE.toml",
    help="Repeatable.  [default: float32, and with --calibration dynamic, int8 and int16x8 too]",
)
@click.option("--calibration", metavar="FILE|MODULE:NAME", help="Samples: whole sequences, as `run` takes them.")
@click.option("--trust", is_flag=True, help="Load a .keras file that holds Python code (Lambda layers).")
@click.option(
    "--side-by-side/--no-side-by-side",
    default=True,
    help="Convert it as it is, with batch 1, with tf_keras and unrolled as well, and compare.  [default: on]",
)
@click.option(
    "--budget", type=click.FloatRange(min=0), default=300, show_default=True, metavar="SECONDS", help="For that."
)
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=900, show_default=True, help="Seconds a step may take."
)
@config
@output("tflite-audit-streaming", "Folder of report.html, step_model.keras, stream.py and one folder a recipe.")
@fail_on
def streamify(source: str, output: Path, fail_on: str, **options: Any) -> None:
    """Make a recurrent model one that takes a step a call.

    SOURCE is a Keras model with LSTM, GRU or other recurrent layers: a .keras or .h5 file, package.module:name or
    path/file.py:name. The step model takes every state as an input and gives the next one as an output; it is
    converted, called over whole sequences, and compared with SOURCE. What cannot be run so is refused, with the layer.
    """
    from . import streamify as streaming
    from .progress import shown

    with shown() as progress:
        report = streaming.streamify(source, output=output, progress=progress, **options)
    _tell(report, output)
    click.echo(f"Example: {output / 'stream.py'}")
    _end(report, fail_on)


@cli.command()
@click.option("--data", metavar="mnist.npz", type=click.Path(path_type=Path), help="The full MNIST, as keras ships it.")
@output("tflite-audit-demo")
def demo(data: Path | None, output: Path) -> None:
    """Run every recipe on a classifier of real digits."""
    from . import audit
    from . import demo as digits
    from .progress import shown

    with shown() as progress:
        progress("reading the digits")
        ready = digits.prepare(output / "source", data)
        report = audit.run(
            ready.source, calibration=ready.calibration, data=ready.data, output=output, progress=progress
        )
    _tell(report, output)
    click.echo(f"Again: tflite-audit run {ready.source} --calibration {ready.calibration} --data {ready.data}")


@cli.command()
@click.argument("code", required=False)
def rules(code: str | None) -> None:
    """List the rules, or explain the one with this CODE (or name)."""
    from .explain import explained, listed

    if code is None:
        click.echo(listed())
    else:
        click.echo(explained(code))


@cli.command()
@click.argument("operator", metavar="[OP]", required=False)
def support(operator: str | None) -> None:
    """Show what converts to what, as measured.

    Without OP, all operators and recipes; with OP (RSQRT, or TensorFlow's Rsqrt), everything measured of it: what each
    recipe makes of it, with the converter's message, and which runtimes have kernels for which types. Of a custom
    operator (SignalRfft): who implements it, and what registers it.
    """
    from . import support as printed
    from .analyzer.support import matrix

    click.echo(printed.listed(matrix.load()) if operator is None else printed.explained(matrix.load(), operator))


@cli.command("print")
@click.argument("model", metavar="MODEL.tflite", type=click.Path(path_type=Path))
def print_(model: Path) -> None:
    """Print the graph as MLIR-style text."""
    from .analyzer.model.flatbuffer import read
    from .analyzer.model.text import lines

    for line in lines(read(model)):
        click.echo(line)


def _show(report: Report, kind: str, output: Path | None) -> None:
    from .reports.formats import render
    from .writing import write

    if output is not None:
        write(output, render(report, kind))
    else:
        click.echo(render(report, kind, terminal=sys.stdout.isatty()).decode(), nl=False)


def _tell(report: Report, output: Path) -> None:
    """The table of recipes, and where the page is."""
    _show(report, "text", None)
    click.echo(f"Report: {output / 'report.html'}")


def _end(report: Report, fail_on: str) -> NoReturn:
    bad = SEVERITIES[: SEVERITIES.index(fail_on) + 1] if fail_on != "never" else []
    sys.exit(FOUND if any(finding.severity in bad for finding in report.findings) else 0)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: whatever goes wrong is one line and exit status 2, never a traceback."""
    try:
        cli.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(UNUSABLE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("tflite-audit: stopped", err=True)
        sys.exit(130)
    except Exception as error:
        click.echo(f"tflite-audit: {one_line(error)}", err=True)
        sys.exit(UNUSABLE)
    sys.exit(0)


def one_line(error: Exception) -> str:
    """An expected error's own words; of an unexpected one, what and where as well, so that it can be reported."""
    from .audit import EXPECTED

    words = " ".join(str(error).split())
    if isinstance(error, EXPECTED):
        return words
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"internal error, please report it: {type(error).__name__}{where}: {words}"
