"""Who implements what, as data that can be shown."""

from __future__ import annotations

import pytest

from tflite_audit.rules.custom_ops import providers
from tflite_audit.rules.custom_ops.providers import OFFERS, OWN, Provider


def every_provider() -> dict[str, Provider]:
    named = {
        offer.provider.who + offer.provider.source: offer.provider for offers in OFFERS.values() for offer in offers
    }
    prefixed = (providers.of(name)[0].provider for name in ("XC_any", "MTK_any", "MTKEXT_any", "TFText>any"))
    return named | {provider.who: provider for provider in prefixed}


@pytest.mark.parametrize("provider", every_provider().values(), ids=lambda provider: provider.who)
def test_a_provider_is_fit_to_be_shown(provider: Provider) -> None:
    assert provider.source and provider.where and provider.who
    assert not provider.who.endswith(".") and not provider.where.endswith(".")
    assert not provider.note or provider.note.endswith(".")
    assert bool(provider.line) is ("{lines}" in provider.code)
    assert set("{}") & set(provider.line.replace("{name}", "").replace("{register}", "")) == set()


@pytest.mark.parametrize("name", OFFERS)
def test_code_of_every_operator(name: str) -> None:
    for offer in OFFERS[name]:
        assert bool(offer.register) >= ("{register}" in offer.provider.line), "the line needs a function"
        code = providers.code(offer.provider, [(name, offer)])
        assert "{lines}" not in code and "{register}" not in code


def test_by_prefix() -> None:
    assert [offer.provider.who for offer in providers.of("XC_conv2d_v2")] == ["XMOS's lib_tflite_micro"]
    assert [offer.provider.who for offer in providers.of("TFText>ByteSplitWithOffsets")] == ["TensorFlow Text"]
    assert providers.of("XConv") == ()


def test_several_have_it() -> None:
    assert [offer.provider.who for offer in providers.of("RaggedTensorToTensor")] == [
        "MediaPipe Tasks",
        "the TensorFlow Lite Support library",
    ]


def test_a_name_cannot_break_out_of_the_code() -> None:
    code = providers.code(OWN.provider, [('"); system("\\x\n', OWN)])
    assert 'AddCustom("\\"); system(\\"\\\\x\\u000a", Register_OP());' in code
    assert len(code.splitlines()) == 3
