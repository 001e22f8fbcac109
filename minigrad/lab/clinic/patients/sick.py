"""Sick networks: each is healthy but for one planted illness, named as the doctor names it."""

import minigrad as mg
from minigrad import nn
from minigrad.lab.clinic.patients.patient import (
    Case,
    classifier,
    digits,
    minibatches,
    sick,
    table,
)
from minigrad.lab.training import network
from minigrad.nn import functional as F

# the learning rate ----------------------------------------------------------------------------


@sick("rate-too-large", "SGD with momentum at a learning rate of 4")
def hasty(seed):
    return classifier(seed, network([64, 32, 10], nn.Tanh), rate=4.0)


@sick("rate-too-large", "Adam at a learning rate of 1")
def hasty_adam(seed):
    model = network([64, 32, 10])
    return classifier(seed, model, optimizer=mg.optim.Adam(model.parameters(), lr=1.0))


@sick("rate-too-small", "SGD with momentum at a learning rate of 1e-5")
def timid(seed):
    return classifier(seed, network([64, 32, 10]), rate=1e-5)


@sick("rate-too-small", "Adam at a learning rate of 1e-7")
def timid_adam(seed):
    model = network([64, 32, 10])
    return classifier(seed, model, optimizer=mg.optim.Adam(model.parameters(), lr=1e-7))


# the error surface ----------------------------------------------------------------------------


class Product(nn.Module):
    """The lecture's toy network y = w₁w₂x."""

    def __init__(self, w1, w2):
        super().__init__()
        self.w1, self.w2 = nn.Parameter(mg.tensor(w1)), nn.Parameter(mg.tensor(w2))

    def forward(self, x):
        return self.w1 * self.w2 * x


@sick("saddle", "the toy network y = w₁w₂x started on the line that leads into its saddle point")
def at_the_saddle(seed):
    model = Product(0.5, -0.5)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    return Case(model, F.mse_loss, optimizer, (mg.ones(1), mg.ones(1)), batch=1)


class Stretch(nn.Module):
    """Factors 300 for half of the features: a valley that no scaling of the data removes."""

    def __init__(self, n):
        super().__init__()
        self.register_buffer("factors", mg.ones(n))
        self.factors[: n // 2] = 300.0

    def forward(self, x):
        return x * self.factors


@sick("valley", "linear regression; half of the features are multiplied by 300 in the network")
def in_the_valley(seed):
    x, y = table("diabetes")
    y = ((y - y.mean()) / y.std()).float().reshape(-1, 1)
    model = nn.Sequential(Stretch(10), nn.Linear(10, 1))
    with mg.no_grad():
        model[1].weight.copy_(3 * mg.randn(1, 10))
    optimizer = mg.optim.SGD(model.parameters(), lr=5e-6)
    return Case(model, F.mse_loss, optimizer, (x, y), batch=len(y), updates=300)


# the loss -------------------------------------------------------------------------------------


@sick("softmax-twice", "nn.Softmax before cross-entropy, which takes the softmax itself")
def softmax_twice(seed):
    model = nn.Sequential(*network([64, 32, 10]), nn.Softmax(dim=1))
    return classifier(seed, model, rate=0.05)


@sick("probabilities-as-logits", "a sigmoid before BCEWithLogitsLoss, which takes logits")
def sigmoid_twice(seed):
    x, y = table("breast_cancer")
    model = nn.Sequential(nn.Linear(30, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    return Case(model, nn.BCEWithLogitsLoss(), optimizer, (x, y.float().reshape(-1, 1)))


@sick("mse-on-softmax", "mean squared error on a softmax that starts saturated and wrong")
def squared_error_of_softmax(seed):
    x, y = digits(seed)
    model = nn.Sequential(*network([64, 32, 10]), nn.Softmax(dim=1))
    with mg.no_grad():
        model[2].weight.mul_(400)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    return Case(model, F.mse_loss, optimizer, (x, F.one_hot(y, 10).float()))


@sick("broadcast-loss", "predictions (N, 1) against targets (N,): the loss compares all with all")
def broadcast(seed):
    x, y = table("diabetes")
    model = network([10, 16, 1], nn.Tanh)
    optimizer = mg.optim.Adam(model.parameters(), lr=3e-3)
    return Case(model, F.mse_loss, optimizer, (x, ((y - y.mean()) / y.std()).float()))


@sick("maximised", "the loss has the wrong sign")
def wrong_sign(seed):
    case = classifier(seed, network([64, 32, 10]), rate=0.01, updates=60)
    case.loss = lambda logits, y: -F.cross_entropy(logits, y)
    return case


# the data -------------------------------------------------------------------------------------


@sick("unscaled-features", "the raw breast cancer table: columns from 0.001 to 4000")
def raw_features(seed):
    x, y = table("breast_cancer", scaled=False)
    model = network([30, 16, 2])
    optimizer = mg.optim.SGD(model.parameters(), lr=1e-6)
    return Case(model, F.cross_entropy, optimizer, (x, y))


@sick("labels-constant", "every image is labelled 3")
def constant_labels(seed):
    x, y = digits(seed)
    return classifier(seed, network([64, 32, 10]), rate=0.05, part=(x, mg.full_like(y, 3)))


@sick("labels-wrong", "the labels are shuffled against the images")
def shuffled_labels(seed):
    x, y = digits(seed)
    part = x, y[mg.randperm(len(y))]
    return classifier(seed, network([64, 32, 10]), rate=0.05, part=part)


@sick("data-not-finite", "one pixel of one image is NaN")
def holes_in_the_data(seed):
    x, y = digits(seed)
    x[17, 5] = float("nan")
    return classifier(seed, network([64, 32, 10]), rate=0.05, part=(x, y))


def in_order(case):
    """Batches in the order of the data set, which is sorted by class."""
    n, done = len(case.data[1]), 0
    while done < case.updates:
        for k in range(0, n, case.batch):
            x, y = (t[k : k + case.batch] for t in case.data)
            loss = case.loss(case.model(x), y)
            case.optimizer.zero_grad()
            loss.backward()
            case.optimizer.step()
            done += 1


@sick("batches-unshuffled", "the data are sorted by class and never shuffled")
def sorted_batches(seed):
    x, y = digits(seed)
    order = y.argsort()
    part = x[order], y[order]
    return classifier(seed, network([64, 32, 10]), rate=0.05, part=part, train=in_order)


# batch normalisation --------------------------------------------------------------------------


@sick("batch-norm-mode", "trained in evaluation mode: the statistics stay at 0 and 1")
def evaluation_mode(seed):
    model = network([64, 32, 32, 10], batch_norm=True).eval()
    return classifier(seed, model)


@sick("batch-norm-small-batch", "batch norm on batches of two")
def batches_of_two(seed):
    return classifier(seed, network([64, 32, 10], batch_norm=True), rate=0.02, batch=2)


# the loop -------------------------------------------------------------------------------------


def without_zero_grad(case):
    """The loop with `zero_grad` forgotten."""
    for x, y in minibatches(case.data, case.batch, case.updates):
        case.loss(case.model(x), y).backward()
        case.optimizer.step()


@sick("forgotten-zero-grad", "zero_grad is never called: gradients add up for ever")
def no_zero_grad(seed):
    optimizer_of = mg.optim.SGD
    model = network([64, 32, 10])
    optimizer = optimizer_of(model.parameters(), lr=0.005)
    return classifier(seed, model, optimizer=optimizer, train=without_zero_grad)


def without_step(case):
    """The loop with `step` forgotten."""
    for x, y in minibatches(case.data, case.batch, case.updates):
        case.optimizer.zero_grad()
        case.loss(case.model(x), y).backward()


@sick("no-step", "step is never called: the weights stay")
def no_step(seed):
    return classifier(seed, network([64, 32, 10]), train=without_step)


@sick("optimizer-without-parameters", "the optimizer was made before the model was made anew")
def parameters_of_another_model(seed):
    other, model = network([64, 32, 10]), network([64, 32, 10])
    optimizer = mg.optim.Adam(other.parameters())
    return classifier(seed, model, optimizer=optimizer)


@sick("optimizer-without-parameters", "the optimizer holds the last layer only")
def parameters_forgotten(seed):
    model = network([64, 32, 32, 10])
    return classifier(seed, model, optimizer=mg.optim.Adam(model[4].parameters()))


class Detached(nn.Module):
    """A network that cuts its own graph."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x):
        return self.last(self.first(x).relu().detach())


@sick("no-gradient", "a detach() in forward: the first layer never gets a gradient")
def cut_graph(seed):
    return classifier(seed, Detached(), rate=0.05)


# numbers --------------------------------------------------------------------------------------


class Logarithm(nn.Module):
    """The logarithm of activations that turn negative during training."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x):
        return self.last((self.first(x) + 1.5).log())


@sick("not-a-number", "a logarithm of what may become negative")
def logarithm(seed):
    return classifier(seed, Logarithm(), rate=0.05)


class Distances(nn.Module):
    """Each sample's mean distance from the others of its batch, and from itself."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 32), nn.Linear(33, 10)

    def forward(self, x):
        h = self.first(x)
        distances = ((h[:, None] - h[None]) ** 2).sum(dim=-1).sqrt()
        return self.last(mg.cat([h, distances.mean(dim=1, keepdim=True)], dim=1))


@sick("not-a-number", "the root of a squared distance, which is 0 from a sample to itself")
def square_root(seed):
    return classifier(seed, Distances(), rate=0.05)


# the layers -----------------------------------------------------------------------------------


@sick("dead-relu", "biases of −8 before a ReLU: no unit ever fires")
def dead_units(seed):
    model = network([64, 32, 10])
    with mg.no_grad():
        model[0].bias.fill_(-8.0)
    return classifier(seed, model, rate=0.05)


@sick("saturation", "tanh units with weights 40 times too large")
def saturated_units(seed):
    model = network([64, 32, 32, 10], nn.Tanh)
    with mg.no_grad():
        for k in (0, 2):
            model[k].weight.mul_(40)
    return classifier(seed, model, rate=0.01)


@sick("vanishing-gradient", "ten layers of sigmoids")
def vanishing(seed):
    return classifier(seed, network([64, *[32] * 10, 10], nn.Sigmoid), rate=0.05)


@sick("exploding-gradient", "ten ReLU layers whose weights are six times too large",
      accepted=("rate-too-large",))  # fmt: skip
def exploding(seed):
    model = network([64, *[32] * 10, 10])
    with mg.no_grad():
        for layer in model:
            if isinstance(layer, nn.Linear):
                layer.weight.mul_(6)
    return classifier(seed, model, rate=1e-9)


@sick("symmetric-weights", "all weights of a layer start equal")
def equal_weights(seed):
    model = network([64, 32, 10])
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.weight, 0.02)
        nn.init.zeros_(layer.bias)
    return classifier(seed, model, rate=0.05)


@sick("weight-decay-too-large", "weight decay of 1: the weights fade away")
def decayed(seed):
    model = network([64, 32, 10])
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1, weight_decay=1.0)
    return classifier(seed, model, optimizer=optimizer)
