"""Illnesses of the training loop: what is called, in which order, with which parameters."""

from minigrad.lab.doctor.finding import Finding
from minigrad.lab.words import say


def no_backward(record, exam, symptoms):
    """The model ran, but no backward pass did."""
    if record.backwards or not record.forwards:
        return None
    return Finding(
        "no-backward",
        say("No backward pass"),
        [say("The model ran {n} times, backward() never.", n=record.forwards)],
        say("Call loss.backward() between the loss and optimizer.step()."),
        "valley",
        {"forwards": record.forwards},
    )


def no_step(record, exam, symptoms):
    """The weights are never changed."""
    if record.backwards < 3:
        return None
    if not record.steps:
        evidence = say(
            "backward() ran {n} times, optimizer.step() never: the weights are as they were.",
            n=record.backwards,
        )
    elif record.empty > 0.9 * record.steps and not _strangers(record):
        evidence = say(
            "optimizer.step() ran {n} times, and in {empty} of them none of its parameters had a "
            "gradient: something clears the gradients between backward() and step().",
            n=record.steps,
            empty=record.empty,
        )
    else:
        return None
    return Finding(
        "no-step",
        say("The weights are never updated"),
        [evidence],
        say(
            "Each round: optimizer.zero_grad(), loss.backward(), optimizer.step(), in this order."
        ),
        "valley",
        {"backwards": record.backwards, "steps": record.steps, "empty": record.empty},
    )


def _strangers(record):
    """Trainable parameters of the model that the optimizer does not hold."""
    held = {id(p) for group in record.optimizer.param_groups for p in group["params"]}
    return [name for name, p in record.model.named_parameters()
            if p.requires_grad and id(p) not in held]  # fmt: skip


def forgotten_zero_grad(record, exam, symptoms):
    """Old gradients are still there when a new round begins."""
    rounds = record.stale + record.fresh
    if rounds < 3 or record.stale < 0.6 * rounds:
        return None
    return Finding(
        "forgotten-zero-grad",
        say("Gradients are never cleared"),
        [
            say(
                "In {stale} of {rounds} rounds the gradients of the rounds before were still "
                "there when backward() began, and were added to: each step follows the sum of "
                "all gradients so far.",
                stale=record.stale,
                rounds=rounds,
            )
        ],
        say("Call optimizer.zero_grad() once in each round, before backward()."),
        "momentum",
        {"stale": record.stale, "rounds": rounds},
    )


def optimizer_without_parameters(record, exam, symptoms):
    """Parameters that want to be trained are not in the optimizer."""
    missing = _strangers(record)
    unknown = max((s.strangers for s in record.samples), default=0)
    everything = [n for n, p in record.model.named_parameters() if p.requires_grad]
    if not missing and not unknown:
        return None
    evidence = []
    if missing:
        evidence.append(
            say(
                "{n} of the model's {all} trainable parameters are not in the optimizer: {names}.",
                n=len(missing),
                all=len(everything),
                names=", ".join(missing[:4]) + (", …" if len(missing) > 4 else ""),
            )
        )
    if unknown:
        evidence.append(
            say(
                "The loss depends on {n} tensors that want a gradient and are not among "
                "model.parameters(): layers in a plain list or dict are not seen by the module.",
                n=unknown,
            )
        )
    return Finding(
        "optimizer-without-parameters",
        say("The optimizer does not hold all parameters"),
        evidence,
        say(
            "Make the optimizer after the model is complete, of model.parameters(); keep layers "
            "in nn.ModuleList. What is meant to stay fixed gets requires_grad_(False)."
        ),
        "optimizers",
        {"missing": missing, "unknown": unknown},
    )


def no_gradient(record, exam, symptoms):
    """Some parameters never get a gradient."""
    if not record.samples:
        return None
    idle = [
        name
        for name in record.trainable
        if all(not sample.gradients.get(name) for sample in record.samples)
    ]
    if not idle:
        return None
    never = [n for n in idle if all(s.gradients.get(n) is None for s in record.samples)]
    if never:
        how = say("never reached by a backward pass: a detach(), a no_grad(), .numpy(), or a "
                  "layer that is not used")  # fmt: skip
    else:
        how = say("always exactly zero: something on the way is flat, such as round() or argmax()")
    return Finding(
        "no-gradient",
        say("Parameters without a gradient"),
        [
            say(
                "{n} of {all} trainable parameters had no gradient in any of {samples} sampled "
                "steps ({names}): {how}.",
                n=len(idle),
                all=len(record.trainable),
                samples=len(record.samples),
                names=", ".join(idle[:4]) + (", …" if len(idle) > 4 else ""),
                how=how,
            )
        ],
        say("Keep the whole way from parameter to loss in recorded operations."),
        "cross_entropy",
        {"idle": idle},
    )


ILLNESSES = [no_backward, optimizer_without_parameters, no_step, forgotten_zero_grad, no_gradient]
