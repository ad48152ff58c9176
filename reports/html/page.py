"""The page: `template.html.j2` and its `sections/`, with the style and the script written into it.

Everything is in the page before any script runs; the script adds search, sorting and copy buttons.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tflite_audit.reports import failures, float_parts, life, stages, streaming, summary, wording
from tflite_audit.reports.document import Report
from tflite_audit.reports.html import drawing, island, precision, strip
from tflite_audit.reports.html.precision import Look
from tflite_audit.reports.legible import legible, one_line, shorten
from tflite_audit.rules.rule import Confidence, Severity, Status

HERE = Path(__file__).parent


def render(report: Report) -> str:
    """The whole page. Deterministic: the same report gives the same bytes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    report = legible(report)
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(_filters())
    environment.globals.update(_names(report))
    return environment.get_template("template.html.j2").render(_sections(report))


def _filters() -> dict[str, Any]:
    return {
        "short": shorten,
        "one_line": one_line,
        "moment": wording.moment,
        "prose": _prose,
        "precision_class": strip.drawn_as,
        "setting": _setting,
        "sort_key": _sort_key,
        "thousandths": _thousandths,
        "marked": life.marked,
        "relative": _relative,
    }


def _names(report: Report) -> dict[str, Any]:
    """What every section may need."""
    return {
        "w": wording,
        "Severity": Severity,
        "Status": Status,
        "Confidence": Confidence,
        "anchors": {m.name: f"model-{i}" for i, m in enumerate(report.models)},
        "conversion_anchors": {c.recipe: f"conversion-{i}" for i, c in enumerate(report.conversions)},
        "model_numbers": {m.name: i for i, m in enumerate(report.models)},
        "rule_anchors": {s.rule.code: f"rule-{i}" for i, s in enumerate(summary.standings(report))},
        "documented": {rule.code for rule in report.rules if rule.documentation},
        "failures": failures,
        "State": failures.State,
        "lives": life.lives,
        "time_line": stages.time_line,
        "whole_time": stages.whole,
        "looks": precision.looks(report),
        "variants": {row.name: row for row in summary.variants(report)},
        "picked": {pick.name for pick in report.verdict.picks},
        "worst": _worst(report),
        "float_parts": float_parts,
        "st": streaming,
        "evidence_kind": _evidence_kind,
        "per_sample": summary.seconds_per_sample,
        "bands": strip.BANDS,
        "island": _island,
        "server_rows": island.SERVER_ROWS,
    }


def _sections(report: Report) -> dict[str, Any]:
    """What the template itself hands to the sections."""
    from markupsafe import Markup

    style, script = (HERE / "style.css").read_text("utf-8"), (HERE / "script.js").read_text("utf-8")
    rows, reference = summary.variants(report), summary.reference(report)
    return {
        "report": report,
        "headline": report.verdict.headline,
        "detail": report.verdict.detail,
        "others": summary.others(report.verdict),
        "alike": failures.alike(report.conversions),
        "none_converted": bool(report.conversions) and all(c.outcome != "converted" for c in report.conversions),
        "style": Markup(style),
        "script": Markup(script),
        "policy": _policy(style, script),
        "rows": rows,
        "reference": reference,
        "counts": summary.count(report.findings),
        "merged": summary.merged(report.findings),
        "standings": summary.standings(report),
        "subjects": list(dict.fromkeys(o.subject for o in report.outcomes)),
        "sizes": drawing.sizes(rows),
        "scores": drawing.scores(rows, reference),
        "rules": {rule.code: rule for rule in report.rules},
        "notes": summary.notes(report),
    }


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy under which only this style and this script work, and nothing is loaded."""

    def sha256(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        f"default-src 'none'; style-src 'sha256-{sha256(style)}'; script-src 'sha256-{sha256(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _prose(text: str, longest: int = 120) -> Any:
    """A sentence, in which what stands between backticks is code, each cut to `longest` characters."""
    from markupsafe import Markup, escape

    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(shorten(part, longest)) if i % 2 else escape(part)
        for i, part in enumerate(parts)
    )


def _worst(report: Report) -> dict[tuple[str, str], Severity]:
    """(rule, subject) → severity of the worst finding."""
    worst: dict[tuple[str, str], Severity] = {}
    for f in report.findings:
        worst[f.rule, f.subject] = min(worst.get((f.rule, f.subject), f.severity), f.severity, key=lambda s: s.rank)
    return worst


def _island(look: Look) -> Any:
    from markupsafe import Markup

    return Markup(island.data(look.model.operators, look.places))  # which escapes what could end a script element


def _setting(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sort_key(row: Any, field: str) -> Any:
    """A figure to sort by; empty where there is none."""
    value = getattr(row, field, None)
    return "" if value is None or not math.isfinite(value) else value


def _thousandths(share: float) -> float:
    """A place on a drawing 1000 wide."""
    return round(1000 * share, 1)


def _evidence_kind(evidence: Any) -> str:
    return type(evidence).__struct_config__.tag


def _relative(path: str | None) -> str | None:
    """A link to a file beside the page; None for a path that leads elsewhere, which is shown and not linked."""
    if not path or path.startswith(("/", "\\")) or ":" in path or ".." in path.split("/"):
        return None
    return "./" + quote(path)
