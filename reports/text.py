"""The report for a terminal or a log.

`check` gives the lines that compilers give, a finding each, so that editors and `grep` understand them; `run` gives the
table of recipes and the verdict. Nothing is cut: long lines are left to the terminal, prose is broken between words.
"""

from __future__ import annotations

import io
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tflite_audit.reports import failures, float_parts, streaming, summary, wording
from tflite_audit.reports.document import ConversionRecord, FindingRecord, Report
from tflite_audit.reports.failures import State, state
from tflite_audit.reports.float_parts import Part
from tflite_audit.reports.legible import legible, one_line, shorten
from tflite_audit.rules.rule import Confidence, Location, Severity, Status

if TYPE_CHECKING:
    from tflite_audit.reports.summary import Variant

INDENT = "    "
MOST = 10
"""Things listed in one line, or errors in one block."""
COLOURS = {
    Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "blue",
    "good": "green", "caution": "yellow", "bad": "bold red", "muted": "dim", "strong": "bold",
}  # fmt: skip
WORDS = {"good": "Ready to ship", "caution": "Look before you ship", "bad": "Do not ship"}


class Span(NamedTuple):
    """A piece of a line, in one style of `COLOURS`."""

    text: str
    style: str = ""


Line = list[Span]


def render(report: Report, width: int = 80, colour: bool = False) -> str:
    """The report as lines that end in a line break; without `colour` they hold nothing but text."""
    report = legible(report)
    judged = bool(report.conversions or report.reference or any(m.evaluation for m in report.models))
    lines = [*(_run(report, width) if judged else _check(report, width))]
    return _coloured(lines) if colour else "".join("".join(s.text for s in line).rstrip() + "\n" for line in lines)


def _check(report: Report, width: int) -> Iterator[Line]:
    places = {model.name: i for i, model in enumerate(report.models)}
    for finding in sorted(report.findings, key=lambda f: (places.get(f.subject, -1), f.severity.rank)):
        yield from _finding(finding, width)
    yield from _rule_errors(report)
    floats = [*_floats(report, width)]
    yield from floats
    if floats or report.findings or any(o.status is Status.ERROR for o in report.outcomes):
        yield []
    yield _total(report)


def _floats(report: Report, width: int) -> Iterator[Line]:
    """What stayed float although nobody chose that: for each model how much, at what cost, and why."""
    for model in report.models:
        found = float_parts.costliest(float_parts.parts(model))
        if found:
            yield [Span(f"{_name(model.name)}: {_name(model.kind or 'model')}, {float_parts.told(model)}")]
            yield from _prose("cost", ", ".join(float_parts.costs(found)), width)
            yield from _prose("cause", "; ".join(_counted_causes(found)), width)


def _counted_causes(found: Sequence[Part]) -> Iterator[str]:
    """Causes in the order of their parts, with the operators of these."""
    names: dict[str, Counter[str]] = {}
    for it in found:
        cause = " and ".join(it.record.causes) or "not established"
        names.setdefault(cause, Counter()).update(it.record.names)
    for cause, counts in names.items():
        shown = [f"{count} {_name(op, 60)}" for op, count in counts.most_common(3)]
        more = [wording.counted(len(counts) - 3, "other kind")] if len(counts) > 3 else []
        yield f"{_name(cause)} ({', '.join([*shown, *more])})"


def _finding(finding: FindingRecord, width: int) -> Iterator[Line]:
    yield [
        Span(f"{_name(finding.subject)}: "),
        Span(finding.severity.value, finding.severity),
        Span(f" {_said(finding)}"),
    ]
    where = place(finding.location)
    if where:
        yield from _prose("at", where, width)
    yield from _prose("cause", finding.cause or "not established", width)
    if finding.remedy:
        yield from _prose("remedy", finding.remedy.text, width)
        yield from ([Span(f"{INDENT}{INDENT}{line}")] for line in finding.remedy.code.splitlines())


def _said(finding: FindingRecord) -> str:
    likely = " (likely, not certain)" if finding.confidence is Confidence.LIKELY else ""
    return f"{_name(finding.rule)} {_name(finding.name)}: {_name(finding.message, 2000)}{likely}"


def _name(text: str, limit: int = 200) -> str:
    return shorten(one_line(text), limit)


def place(where: Location) -> str:
    """Where a finding is, in words; empty where it is about the whole model."""
    parts = [
        f"layer {where.layer}" if where.layer is not None else "",
        f"function {where.function}" if where.function is not None else "",
        " ".join(
            ["operator", *([where.op] if where.op is not None else []),
             *([f"#{where.operator}"] if where.operator is not None else [])]
        )
        if where.op is not None or where.operator is not None
        else "",
        f"tensor {where.tensor}" if where.tensor is not None else "",
        f"subgraph {where.subgraph}" if where.subgraph else "",
        f"{where.file}:{where.line}" if where.file is not None and where.line is not None else where.file or "",
    ]  # fmt: skip
    return ", ".join(_name(part) for part in parts if part)


def _prose(label: str, text: str, width: int) -> Iterator[Line]:
    """Indented, broken between words only, with the label before its first line."""
    first = f"{INDENT}{label}: "
    if len(first) > width // 2:  # such as the names of many recipes
        yield from ([Span(line)] for line in _wrapped(f"{label}: {text}", width, INDENT, INDENT * 2))
        return
    for i, line in enumerate(_wrapped(text, width, first, INDENT * 2) or [first]):
        yield [Span(first, "muted"), Span(line[len(first) :])] if i == 0 else [Span(line)]


def _wrapped(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    return textwrap.wrap(_name(text, 2000), max(width, 40), initial_indent=first, subsequent_indent=later,
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip


def _rule_errors(report: Report) -> Iterator[Line]:
    failed: dict[tuple[str, str], list[str]] = {}
    for o in report.outcomes:
        if o.status is Status.ERROR:
            failed.setdefault((o.rule, o.reason), []).append(_name(o.subject))
    for (rule, reason), subjects in failed.items():
        yield [
            Span(f"rule {_name(rule)} failed", Severity.ERROR),
            Span(f" on {_names(subjects)}: {_name(reason, 2000)}"),
        ]


def _names(subjects: Sequence[str]) -> str:
    more = f" and {len(subjects) - MOST} more" if len(subjects) > MOST else ""
    return ", ".join(_name(s) for s in subjects[:MOST]) + more


def _total(report: Report) -> Line:
    counts = summary.count(report.findings)
    found: Line = []
    for severity, count in counts.items():
        if count:
            found += [Span(", " if found else ""), Span(wording.severity(count, severity.value), severity)]
    ended = Counter(o.status for o in report.outcomes)
    rules = f"{wording.counted(ended[Status.PASSED], 'check')} passed"
    for status, word in (
        (Status.NOT_RUN, "not run"),
        (Status.NOT_APPLICABLE, "not applicable"),
        (Status.ERROR, "failed"),
    ):
        if ended[status]:
            rules += f", {ended[status]} {word}"
    subjects = max(len(report.models), len(report.conversions))
    return [*(found or [Span("nothing found", "good")]),
            Span(f" in {wording.counted(subjects, 'recipe' if report.conversions else 'file')}; {rules}")]  # fmt: skip


def _run(report: Report, width: int) -> Iterator[Line]:
    blocks = (_streaming(report, width), _table(report), _floats(report, width), _not_converted(report, width),
              _errors(report), _rule_errors(report), _notes(report), _verdict(report, width))  # fmt: skip
    for block in map(list, blocks):
        if block:
            yield from (*block, [])
    yield _total(report)


def _streaming(report: Report, width: int) -> Iterator[Line]:
    """The model of one step, how far it drifts, and the other ways side by side with it."""
    found = report.streaming
    if found is None:
        return
    yield from _prose("one step", streaming.interface(found), width)
    yield from _prose("states", streaming.passed_on(found), width)
    yield from ([Span(line)] for line in _wrapped(streaming.compared(found), width))
    yield []
    yield from _rows(streaming.aligned(streaming.DRIFT_HEAD, streaming.drift_rows(found), (0, 7)))
    yield [Span("largest and others: shares of the range of the output that is off most", "muted")]
    if found.ways:
        yield []
        yield from _rows(streaming.aligned(streaming.WAYS_HEAD, streaming.way_rows(found.ways), (0, 1, 2, 3)))
        for recipe, said in streaming.chosen(found.ways):
            yield from _prose(recipe, said, width)
        for names, reason in streaming.reasons(found.ways):
            yield from _prose(names, reason, width)


def _rows(lines: Sequence[tuple[str, bool]]) -> Iterator[Line]:
    for number, (line, bad) in enumerate(lines):
        yield [Span(line, "strong" if number == 0 else "caution" if bad else "")]


def _not_converted(report: Report, width: int) -> Iterator[Line]:
    """What became of each recipe that gave no model that runs, the same once; then what lets it."""
    for group in failures.alike(report.conversions):
        c = group.first
        recipes = f"{_recipes(group, len(report.conversions))}: "
        ended = wording.outcome(_name(c.outcome)) + (f" in {_name(c.stage)}" if c.stage and _adds(c) else "")
        yield from _headed(recipes, ended, "" if c.cause else f": {_told(c.reason)}", width)
        if c.cause:
            yield from _prose("cause", f"{c.cause.rule} {c.cause.name}: {c.cause.sentence}", width)
        else:
            yield from _prose("cause", "not established", width)
        where = place(_blamed(c))
        if where:
            yield from _prose("at", where, width)
        yield from _remedies(group, width)


def _recipes(group: failures.Alike, all_of_them: int) -> str:
    if len(group.conversions) == all_of_them > 3:
        return f"all {all_of_them} recipes"
    return ", ".join(_name(c.recipe) for c in group.conversions.values())


def _headed(before: str, state: str, after: str, width: int) -> Iterator[Line]:
    """A paragraph in which the words of a state have their colour, if they stand in its first line."""
    first, *rest = _wrapped(before + state + after, width, later=INDENT)
    if first.startswith(before + state):
        yield [Span(before), Span(state, Severity.ERROR), Span(first[len(before + state) :])]
    else:
        yield [Span(first)]
    yield from ([Span(line)] for line in rest)


def _adds(c: ConversionRecord) -> bool:
    """Its stage is not in its reason already."""
    return c.cause is not None or (c.stage or "") not in c.reason


def _told(text: str) -> str:
    return _name(text, 2000)


def _blamed(c: ConversionRecord) -> Location:
    more = f" and {len(c.operators) - 3} more" if len(c.operators) > 3 else ""
    return Location(
        op=", ".join(c.operators[:3]) + more if c.operators else None,
        layer=c.layer,
        function=c.function,
        file=c.source.file if c.source else None,
        line=c.source.line if c.source else None,
    )


def _remedies(group: failures.Alike, width: int) -> Iterator[Line]:
    """The remedy that works for most, and what it costs; the others as their number."""
    if not group.cures:
        return
    cure, *others = group.cures
    works = cure.works() or cure.works(near=False)
    if works:
        recipes = [_name(group.conversions[number].recipe) for number in works]
        where = f" for {_names(recipes)}" if len(works) < len(group.conversions) else ""
        of = f"for {recipes[0]}: " if len(group.conversions) > 1 else ""
        doubt = "" if cure.works() else ", with answers far from the source model's"
        yield from _prose(f"works{where}{doubt}", cure.title, width)
        cost = f"{of}{wording.cost(cure.remedies[works[0]])}"
        yield from ([Span(line)] for line in _wrapped(cost, width, INDENT * 2, INDENT * 2))
    else:
        others = group.cures
        untried = next((other for other in others if not other.tried), None)
        if untried:
            yield from _prose("not tried", untried.title, width)
    counts = {of: sum(_best_state(other) is of for other in others) for of in State}
    said = [f"{count} {_COUNTED[of][count != 1]}" for of, count in counts.items() if count]
    if said:
        yield from _prose("other remedies" if works else "remedies", ", ".join(said), width)


_COUNTED = {
    State.WORKS: ("works", "work"),
    State.FAILS: ("does not work", "do not work"),
    State.UNTRIED: ("was not tried", "were not tried"),
}


def _best_state(cure: failures.Cure) -> State:
    return state(failures.ordered(cure.remedies.values())[0])


def _errors(report: Report) -> Iterator[Line]:
    """The findings that must not be missed, each once; the others are counted here and told in the page."""
    # Family F is about conversions that failed, and these are told already.
    worst = summary.merged([f for f in report.findings if f.severity is Severity.ERROR and f.rule[0] != "F"])
    told = [it for by_rule in worst.values() for items in by_rule.values() for it in items]
    for it in told[:MOST]:
        yield [Span("error", Severity.ERROR), Span(f" {_said(it.finding)} ({_names(it.subjects)})")]
    if len(told) > MOST:
        yield [Span(f"and {wording.counted(len(told) - MOST, 'other error')}")]


def _notes(report: Report) -> Iterator[Line]:
    return ([Span("note", "muted"), Span(f": {_name(note, 2000)}")] for note in summary.notes(report))


def _verdict(report: Report, width: int) -> Iterator[Line]:
    it = report.verdict
    headline = f"{WORDS[it.status]}. "
    first, *rest = _wrapped(report.verdict.headline, width, headline) or [headline]
    yield [Span(headline, it.status), Span(first[len(headline) :], "strong")]
    yield from ([Span(line, "strong")] for line in rest)
    yield from ([Span(line)] for line in _wrapped(report.verdict.detail, width))
    for pick in it.picks:
        yield from _prose(f"{_name(pick.name)} for {_name(pick.purpose)}", pick.why, width)
    failed = {c.recipe for c in report.conversions if c.outcome != "converted"}  # which are told already
    for names, why in summary.others(it):
        shown = [_name(name) for name in names if name not in failed]
        if shown:
            yield from _prose(f"not {', '.join(shown)}", why, width)


def _table(report: Report) -> Iterator[Line]:
    """Columns as wide as what is in them, so that nothing is cut; a column that nothing fills is left out."""
    rows = summary.variants(report)
    against = summary.reference(report)
    share = against is not None and wording.is_share(against)
    head = ["recipe" if report.conversions else "file", "converted", "size", "ratio",
            _name(against.metric, 20) if against else "metric", "points" if share else "change",
            "findings", "time"]  # fmt: skip
    body = [_cells(row, share) for row in rows]
    if report.reference is not None:
        time = wording.seconds(summary.seconds_per_sample(report.reference))
        body.insert(
            0, [Span(cell) for cell in ("source model", "", "", "", wording.metric(report.reference), "", "", time)]
        )
    kept = [i for i in range(len(head)) if i == 0 or any(line[i].text not in ("", wording.NONE) for line in body)]
    widths = {i: max(len(head[i]), *(len(line[i].text) for line in body)) for i in kept} if body else {}
    left = {0, 1, 6}
    for line in [[Span(cell, "strong") for cell in head], *body] if body else []:
        padded: Line = []
        for i in kept:
            text = line[i].text
            padded.append(Span(text.ljust(widths[i]) if i in left else text.rjust(widths[i]), line[i].style))
            padded.append(Span("  "))
        yield padded[:-1]
    if body:
        timed = "; time: for one sample" if len(head) - 1 in kept else ""
        yield [Span(f"findings: E errors, W warnings, I info{timed}", "muted")]


def _cells(row: Variant, share: bool) -> Line:
    converted = row.conversion.outcome if row.conversion else ""
    worst = next((severity for severity, count in row.counts.items() if count), None)
    found = " ".join(f"{count}{severity.value[0].upper()}" for severity, count in row.counts.items() if count)
    evaluation = row.evaluation
    return [
        Span(_name(row.name, 40)),
        Span("yes" if converted == "converted" else wording.outcome(_name(converted, 20)),
             "good" if converted == "converted" else "bad"),
        Span(wording.size(row.bytes)),
        Span(wording.ratio(row.ratio)),
        Span(_name(wording.metric(evaluation), 20), "bad" if evaluation and evaluation.outcome != "evaluated" else ""),
        Span(wording.change(row.change, share).replace(wording.MINUS, "-"), "caution" if row.worse else ""),
        Span(found or ("none" if row.model else wording.NONE), worst or ""),
        Span(wording.seconds(row.seconds_per_sample)),
    ]  # fmt: skip


def _coloured(lines: list[Line]) -> str:
    """With ANSI styles. Only styles that are ours reach rich: texts go in as they are, markup in them means nothing."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", markup=False, emoji=False,
                      highlight=False, legacy_windows=False, width=100_000)  # fmt: skip
    for line in lines:
        console.print(Text.assemble(*((s.text, COLOURS.get(s.style, "")) for s in line)), soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
