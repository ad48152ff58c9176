"""C002."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from tflite_audit.analyzer.evaluation.types import Lack, Trial, Trials
from tflite_audit.analyzer.model.debug_info import Locations
from tflite_audit.analyzer.model.types import Model
from tflite_audit.rules import places
from tflite_audit.rules.conversion import runtimes
from tflite_audit.rules.conversion.operators import BUILTINS
from tflite_audit.rules.conversion.rewrites import REWRITES
from tflite_audit.rules.custom_ops import packages, providers, tensorflow_ops, uses
from tflite_audit.rules.custom_ops.declared import Declarations, DeclaredOp
from tflite_audit.rules.custom_ops.packages import How
from tflite_audit.rules.custom_ops.providers import Offer
from tflite_audit.rules.custom_ops.uses import Uses
from tflite_audit.rules.rule import Finding, Remedy, Severity, Table, rule


@rule("C002", "custom-op", Severity.WARNING)
def custom_op(
    model: Model, locations: Locations, trials: Trials | None, declarations: Declarations | None
) -> Iterator[Finding]:
    """An operator is not TensorFlow Lite's own, and the runtime has to bring its implementation.

    ## What it does
    Finds the operators of the schema's CUSTOM kind, Flex operators left out (C001): how often each is there and where,
    its options, decoded where their encoding is known (FlexBuffer, or the struct of a known operator), its inputs and
    outputs, who is known to implement it, and whether the interpreters of the TensorFlow 2.21 and LiteRT 2.3 packages
    on PyPI have it: measured with each of them, and by a call of this model where `run` made one.

    ## Why is this bad
    A runtime without the implementation refuses the model (`Encountered unresolved custom op`). Delegates leave custom
    operators to the CPU, so they also cut the model in parts. What the usual interpreters have, and what the
    configuration declares as your own, is reported for information.

    ## Example
        SignalRfft {T = int16, fft_length = 512} int16[480] -> int16[514]

    ## Fix
    Run the model where the operator is implemented, or register the implementation with the interpreter that you use,
    or write the layer with builtin operators. Declare your own operators in `tflite-audit.toml`.
    """
    found = uses.of_model(model, locations, flex=False)
    own = {op.name: op for op in declarations.operators} if declarations else {}
    chosen = {used.name: offer for used in found if used.name not in own and (offer := _chosen(used)) is not None}
    for used in found:
        if declarations and used.name in own:
            yield _of_user(used, own[used.name], declarations, trials)
        elif used.name == _KIND and all(code.custom_code != _KIND for code in model.operator_codes):
            yield _without_name(used)
        else:
            finding = _finding(used, chosen, trials, _chip(model) if used.name == _DISPATCH else "")
            yield _meant(finding, used.name, declarations) if declarations else finding


_DISPATCH = "DISPATCH_OP"
_KIND = "CUSTOM"
"""How the model calls an operator of this kind whose operator code has no custom code."""


def _chosen(used: Uses) -> Offer | None:
    """Whose implementation the user is told to register; None where there is nothing to register, or something else to
    do."""
    how = packages.how(used.name, used.dtypes)
    if how in (How.BRINGS, How.XNNPACK) or used.name in REWRITES:
        return None
    return next((offer for offer in providers.of(used.name) if offer.provider is not providers.XNNPACK), None)


def _finding(used: Uses, chosen: Mapping[str, Offer], trials: Trials | None, chip: str) -> Finding:
    name, offers, how = used.name, providers.of(used.name), packages.how(used.name, used.dtypes)
    ran, lacking = _tried(trials, name)
    has = how in (How.BRINGS, How.XNNPACK)
    return Finding(
        message=f"{_subject(used)} {_what(name, offers)}{f', for {chip}' if chip else ''}; {_has(how, ran, lacking)}.",
        location=used.where[0],
        evidence=(*used.evidence(), _who(name, offers, how, trials)),
        cause=_cause(offers[0]) if offers else None,
        remedy=_registered(name, chosen) if name in chosen else _remedy(name, offers, how),
        severity=Severity.INFO if (has or ran) and not lacking else None,
        key=(name,),
    )


def _cause(offer: Offer) -> str:
    if offer.prefix:
        return f"It is no builtin; names that begin with {offer.prefix} are those of {offer.provider.source}."
    return f"It is no builtin; its kernel is registered in {offer.provider.source}."


def _without_name(used: Uses) -> Finding:
    number = "A custom operator has" if len(used.where) == 1 else f"{len(used.where):,} custom operators have"
    where = places.named(used.where)
    return Finding(
        message=f"{number} no name{where}: the interpreters of {packages.VERSIONS} refuse the model.",
        location=used.where[0],
        evidence=used.evidence(),
        cause="The operator code is of the kind CUSTOM, and its custom_code, by which a runtime finds the "
        "implementation, is empty or missing.",
        remedy=Remedy("Convert the model again, or write the custom code into the file."),
        severity=Severity.ERROR,
        key=("",),
    )


def _meant(finding: Finding, name: str, declarations: Declarations) -> Finding:
    """With the operator of the configuration that has almost this name."""
    close = get_close_matches(name, [op.name for op in declarations.operators], 1, _ALIKE)
    if not close or finding.remedy is None:
        return finding
    hint = f" {declarations.file} declares {close[0]}: write {name} there if this operator is meant."
    return replace(finding, remedy=replace(finding.remedy, text=finding.remedy.text + hint))


_ALIKE = 0.75


def _of_user(used: Uses, declared: DeclaredOp, declarations: Declarations, trials: Trials | None) -> Finding:
    where = f", implemented in {declared.implemented}" if declared.implemented else ""
    ran, lacking = _tried(trials, used.name)
    calls = "".join(
        f"; {places.enumerated(names)} {said}"
        for names, said in ((ran, "ran it"), (lacking, "had no implementation of it"))
        if names
    )
    return Finding(
        message=f"{_subject(used)} is a custom operator of your own{where}{calls}.",
        location=used.where[0],
        evidence=used.evidence(),
        cause=f"It is declared in {declarations.file}.",
        severity=Severity.WARNING if lacking else Severity.INFO,
        key=(used.name,),
    )


def _subject(used: Uses) -> str:
    """`SignalRfft (fft_length = 512) in net/rfft, at 3 places,`."""
    brief = f" ({used.brief})" if used.brief else ""
    return f"{used.name}{brief}{places.named(used.where)}{used.many}"


def _what(name: str, offers: tuple[Offer, ...]) -> str:
    if offers and offers[0].prefix:
        return f"is a custom operator, by its name of {offers[0].provider.who}"
    if offers:
        return f"is a custom operator, provided by {' and by '.join(offer.provider.who for offer in offers)}"
    if _of_tensorflow(name):
        return "is a custom operator that has the name of one of TensorFlow's; who provides it is not known"
    return "is a custom operator; who provides it is not known"


def _has(how: How, ran: list[str], lacking: list[str]) -> str:
    """What the user's runtime has: as tried with this model, or as measured with the packages."""
    tried = [f"{places.enumerated(ran)} ran it"] if ran else []
    if lacking:
        tried.append(f"{places.enumerated(lacking)} had no implementation of it")
    if tried:
        return " and ".join(tried)
    match how:
        case How.BRINGS:
            return f"the interpreters of {packages.VERSIONS} have it"
        case How.XNNPACK:
            return f"the interpreters of {packages.VERSIONS} run it by their default delegate only"
        case How.REGISTERED:
            return f"the packages of {packages.VERSIONS} have it, and their interpreters only where it is registered"
        case _:
            return f"the interpreters of {packages.VERSIONS} do not have it"


def _tried(trials: Trials | None, name: str) -> tuple[list[str], list[str]]:
    """The runtimes that ran the model, and those that had no implementation of this operator."""
    each: tuple[Trial, ...] = trials.each if trials else ()
    ran = [runtimes.named(trial) for trial in each if trial.answered]
    lacking = [runtimes.named(trial) for trial in each if trial.lack is Lack.IMPLEMENTATION and trial.operator == name]
    return ran, lacking


def _who(name: str, offers: tuple[Offer, ...], how: How, trials: Trials | None) -> Table:
    rows = [(f"the interpreters of {packages.VERSIONS}", str(how), "", "measured")]
    for trial in trials.each if trials else ():
        ran, lacking = _tried(Trials((trial,)), name)
        said = "ran it" if ran else "does not have it" if lacking else f"failed elsewhere: {trial.reason}"
        rows.append((runtimes.named(trial), said, "", "one call of this model"))
    for offer in offers:
        provider = offer.provider
        since = f" ({provider.since})" if provider.since else ""
        said = "has operators of such names" if offer.prefix else "has it"
        rows.append((provider.who, said, provider.where, provider.source + since))
    if not offers:
        rows.append(("anyone else", "not known", "", ""))
    return Table(title="Who has it", columns=("runtime", "implementation", "runs on", "source"), rows=tuple(rows))


def _registered(name: str, chosen: Mapping[str, Offer]) -> Remedy:
    """Told whole for the provider's first operator of the model, with the lines of the others, and only once."""
    offer = chosen[name]
    provider = offer.provider
    together = [(other, found) for other, found in chosen.items() if found.provider is provider]
    first = together[0][0]
    if first != name:
        return Remedy(f"As for {first}: it runs on {provider.where}.", providers.line(name, offer))
    note = f" {provider.note}" if provider.note else ""
    return Remedy(f"It runs on {provider.where}.{note}", providers.code(provider, together))


def _remedy(name: str, offers: tuple[Offer, ...], how: How) -> Remedy:
    if how in (How.BRINGS, How.XNNPACK):
        note = f" {offers[0].provider.note}" if offers[0].provider.note else ""
        return Remedy(f"Nothing is to be done where these interpreters run the model.{note}")
    if name in REWRITES:
        known = REWRITES[name]
        return Remedy(f"Write it with builtin operators: {known.title}. {known.cost}", known.code)
    if name in BUILTINS:
        return Remedy(
            f"Convert it again without custom operators: TensorFlow 2.21's converter makes {BUILTINS[name]} of {name}, "
            "for the types that it takes.",
            "converter.allow_custom_ops = False\n"
            "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]",
        )
    if name in tensorflow_ops.ALLOWED:
        return Remedy(
            f"Write {name} with other operators. If the runtime has the Flex delegate, convert it as a Flex operator.",
            "converter.allow_custom_ops = False\n"
            "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]",
        )
    own = providers.code(providers.OWN.provider, [(name, providers.OWN)])
    return Remedy(
        "Register its implementation where the model is run, and declare it in tflite-audit.toml"
        f"{'; Flex does not have it either' if _of_tensorflow(name) else ''}.",
        f'{own}\n\n# tflite-audit.toml\n[[custom_op]]\nname = "{providers.escaped(name)}"\n'
        'implemented = "where its source is"',
    )


def _of_tensorflow(name: str) -> bool:
    return name in tensorflow_ops.ALLOWED or name in tensorflow_ops.OTHERS


def _chip(model: Model) -> str:
    """What LiteRT's compiler noted (litert/core/build_stamp.h): maker and chip, each padded with zeros."""
    for entry in model.metadata:
        if entry.name == "LiteRtStamp":
            words = bytes(model.buffers.bytes(entry.buffer)).split(b"\0")
            return " ".join(str(word, "utf-8", "backslashreplace") for word in words if word)[:80]
    return ""
