"""The illnesses, and which of them explain others."""

from minigrad.lab.doctor.illnesses import data, layers, loop, loss, surface

# Gravest first: what comes early is a cause of what comes late.
ILLNESSES = [
    *loop.ILLNESSES[:3],
    data.data_not_finite,
    *loss.ILLNESSES,
    data.labels_constant,
    loop.forgotten_zero_grad,
    surface.not_a_number,
    data.batch_norm_mode,
    data.batch_norm_small_batch,
    data.labels_wrong,
    data.batches_unshuffled,
    data.unscaled_features,
    data.unscaled_targets,
    *layers.ILLNESSES,
    loop.no_gradient,
    *surface.ILLNESSES[1:],
]

_SURFACE = {"rate-too-small", "saddle", "valley"}
_LAYERS = {"dead-relu", "saturation", "vanishing-gradient", "no-gradient", "no-nonlinearity"}
_FIT = {"labels-wrong", "weight-decay-too-large"}

EXPLAINS = {
    "no-backward": _SURFACE | _LAYERS | _FIT | {"no-step"},
    "no-step": _SURFACE | _LAYERS | _FIT | {"rate-too-large"},
    "optimizer-without-parameters": _SURFACE | _LAYERS | _FIT | {"no-step"},
    "data-not-finite": _SURFACE | _LAYERS | _FIT | {"not-a-number", "rate-too-large"},
    "broadcast-loss": _SURFACE | _LAYERS | _FIT | {"rate-too-large"},
    "softmax-twice": _SURFACE | _LAYERS | _FIT | {"probabilities-as-logits"},
    "probabilities-as-logits": _SURFACE | _LAYERS | _FIT | {"maximised", "rate-too-large"},
    "mse-on-softmax": _SURFACE | _LAYERS | _FIT | {"exploding-gradient", "rate-too-large"},
    "maximised": _SURFACE | _LAYERS | _FIT | {"rate-too-large", "exploding-gradient"},
    "labels-constant": _SURFACE | _LAYERS | _FIT | {"rate-too-large"},
    "forgotten-zero-grad": _SURFACE | _LAYERS | _FIT | {"rate-too-large", "exploding-gradient"},
    "not-a-number": _SURFACE | _LAYERS | _FIT | {"rate-too-large"},
    "batch-norm-mode": _SURFACE | _FIT | {"rate-too-large"},
    "batch-norm-small-batch": _SURFACE | _FIT | {"rate-too-large"},
    "labels-wrong": _SURFACE | {"no-nonlinearity", "rate-too-large"},
    "batches-unshuffled": _SURFACE | {"rate-too-large", "no-nonlinearity", "dead-relu"},
    "unscaled-features": _SURFACE | _LAYERS | {"rate-too-large", "exploding-gradient"},
    "unscaled-targets": _SURFACE | {"rate-too-large", "no-nonlinearity"},
    "symmetric-weights": _SURFACE | _LAYERS,
    "weight-decay-too-large": _SURFACE | _LAYERS,
    "dropout-too-large": _SURFACE | _LAYERS,
    "dead-relu": _SURFACE | {"no-gradient", "vanishing-gradient", "no-nonlinearity"},
    "saturation": _SURFACE | {"no-gradient", "vanishing-gradient", "exploding-gradient"},
    "exploding-gradient": _SURFACE | {"rate-too-large", "no-gradient"},
    "vanishing-gradient": _SURFACE | {"no-gradient", "no-nonlinearity"},
    "no-gradient": _SURFACE,
    "no-nonlinearity": _SURFACE,
    "rate-too-large": {"valley", "saddle", "no-nonlinearity"},
    "rate-too-small": {"valley", "no-nonlinearity"},
    "saddle": {"rate-too-small", "valley", "no-nonlinearity"},
}


def root_causes(findings):
    """The findings without those that a graver one explains."""
    kept, explained = [], set()
    for finding in findings:
        if finding.name not in explained:
            kept.append(finding)
            explained |= EXPLAINS.get(finding.name, set())
    return kept
