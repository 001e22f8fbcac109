"""The clinic: does the doctor name what was planted, and is it silent where nothing was?"""

import warnings

import numpy as np

import minigrad as mg
from minigrad.lab import plots, progress
from minigrad.lab.clinic.patients import PATIENTS
from minigrad.lab.clinic.patients.patient import fit
from minigrad.lab.doctor import Doctor
from minigrad.lab.experiment import (
    HOLDS,
    LIMITED,
    REFUTED,
    UNDECIDED,
    Figure,
    Number,
    Parameter,
    Verdict,
)
from minigrad.lab.words import say

TITLE = "The doctor names the illness of a sick network"
ROW = 28
CLAIM = (
    "A network that does not train can be told why: of networks with one planted illness each "
    "the doctor names the illness, and of healthy networks it finds nothing."
)
REFUTED_BY = (
    "Fewer than 80 % of the examinations of sick networks with the planted illness among the "
    "findings, or a finding in more than 20 % of the examinations of healthy ones. A limit is "
    "anything short of all named and all silent. Every patient is examined once for each seed, "
    "which draws its data, weights and batches anew."
)
METHOD = (
    "Each patient trains for some hundred updates under `with Doctor(…)`, in a loop that knows "
    "nothing of the doctor. Its findings are compared with what was planted; findings that are "
    "also true of a patient count neither for nor against. Nobody tells the doctor the "
    "patient's name."
)
SECONDS = 8.0
PARAMETERS = {
    "seeds": Parameter(2, "examinations of every patient", 10),
}
MEASURED = {
    "patients": "{patient: {illness: planted, null for healthy; planted: in words; findings: "
    "[names in the doctor's order]; loss: [before, after the training] on its data}}",
}
REFERENCES = [
    (
        "A. Karpathy (2019), A recipe for training neural networks",
        "https://karpathy.github.io/2019/04/25/recipe/",
    ),
    (
        "H. Lee (2021), Machine Learning, lectures P5 to P9: why a network will not train",
        "https://speech.ee.ntu.edu.tw/~hylee/ml/2021-spring.php",
    ),
]


def examine(patient, seed):
    """The names of the doctor's findings after a training of the patient."""
    mg.manual_seed(seed)
    case = patient.make(seed)
    with Doctor(case.model, case.loss, case.optimizer, case.data) as doctor:
        (case.train or fit)(case)
    return [finding.name for finding in doctor.diagnosis().findings], case


HEART = [fit, examine]


def loss_of(case):
    """Loss on the patient's data in evaluation mode."""
    x, y = case.data
    training = case.model.training
    case.model.eval()
    with mg.no_grad():
        value = case.loss(case.model(x), y).item()
    case.model.train(training)
    return value


def run(seed, settings):
    """Examine every patient once."""
    patients = {}
    for i, (name, patient) in enumerate(PATIENTS.items()):
        progress.report(i / len(PATIENTS), name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some illnesses warn, which the doctor may not see
            mg.manual_seed(seed)
            before = loss_of(patient.make(seed))
            findings, case = examine(patient, seed)
            after = loss_of(case)
        patients[name] = {
            "illness": patient.illness,
            "planted": patient.planted,
            "findings": findings,
            "loss": [before, after],
        }
    return {"patients": patients}


def tally(measurements):
    """{patient: (examinations, named or silent, {finding: how often})}."""
    rows = {}
    for name in measurements["runs"][0]["patients"]:
        visits = [r["patients"][name] for r in measurements["runs"]]
        illness = visits[0]["illness"]
        right = sum(illness in v["findings"] if illness else not v["findings"] for v in visits)
        found = [f for v in visits for f in v["findings"]]
        rows[name] = len(visits), right, {f: found.count(f) for f in dict.fromkeys(found)}
    return rows


def shares(measurements, sick):
    """(right, all) examinations of the sick, or of the healthy."""
    kind = measurements["runs"][0]["patients"]
    rows = [
        row for name, row in tally(measurements).items() if bool(kind[name]["illness"]) == sick
    ]
    return sum(row[1] for row in rows), sum(row[0] for row in rows)


def others(measurements):
    """Findings a sick examination brings beside the planted illness, on average."""
    visits = [v for r in measurements["runs"] for v in r["patients"].values() if v["illness"]]
    return float(np.mean([sum(f != v["illness"] for f in v["findings"]) for v in visits]))


def numbers(measurements):
    """One row a patient: the share of examinations in which the doctor was right."""
    kind = measurements["runs"][0]["patients"]
    rows = []
    for name in kind:
        illness = kind[name]["illness"]
        right = [
            100.0 * (illness in v["findings"] if illness else not v["findings"])
            for v in (r["patients"][name] for r in measurements["runs"])
        ]
        what = f"{name}: {illness} named" if illness else f"{name}: silent"
        rows.append(Number(what, right, "%"))
    return rows


def confusion_figure(measurements):
    """Patients in rows, findings in columns."""
    kind = measurements["runs"][0]["patients"]
    rows = tally(measurements)
    columns = list(dict.fromkeys(p["illness"] for p in kind.values() if p["illness"]))
    columns += sorted({f for _, _, found in rows.values() for f in found} - set(columns))
    names = sorted(
        kind,
        key=lambda n: columns.index(kind[n]["illness"]) if kind[n]["illness"] else len(columns),
    )
    n = len(measurements["runs"])
    table = np.array([[rows[name][2].get(c, 0) / n for c in columns] for name in names])
    figure, panel = plots.axes("finding", "", height=0.17 * len(names) + 2.2)
    panel.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for i, name in enumerate(names):
        illness = kind[name]["illness"]
        if illness:
            j = columns.index(illness)
            edge = plots.GREEN if table[i, j] == 1 else plots.RED
            panel.add_patch(_box(j, i, edge))
    panel.set_xticks(range(len(columns)), columns, rotation=90, fontsize=7)
    panel.set_yticks(range(len(names)), names, fontsize=7)
    panel.grid(False)
    first_healthy = sum(kind[name]["illness"] is not None for name in names)
    panel.axhline(first_healthy - 0.5, color=plots.BLACK, lw=0.8)
    return Figure(
        figure,
        "The confusion table: a row a patient, a column a finding, dark where the doctor says it "
        f"({n} examinations each). Boxes mark what was planted: green where it was named every "
        "time. Below the line the healthy, whose rows should be empty.",
        "A matrix of patients against findings: the boxes along the diagonal are dark, the rows "
        "of the healthy patients are empty.",
    )


def _box(column, row, colour):
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=colour, lw=1.4)


def figures(measurements):
    """The confusion table."""
    return [confusion_figure(measurements)]


def verdict(measurements):
    """By the shares of sick patients named and of healthy patients left in peace."""
    if not measurements["runs"]:
        return Verdict(UNDECIDED, say("no run"), [say("There is no run.")])
    named, sick = shares(measurements, True)
    silent, healthy = shares(measurements, False)
    key = say(
        "{named}/{sick} illnesses named, {silent}/{healthy} healthy silent",
        named=named,
        sick=sick,
        silent=silent,
        healthy=healthy,
    )
    kind = measurements["runs"][0]["patients"]
    reasons = [
        say(
            "{patients} patients, {n} examinations each: the planted illness is among the "
            "findings in {named} of {sick} examinations of the sick, with {others:.1f} further "
            "findings on average; {silent} of {healthy} examinations of the healthy end without "
            "a finding.",
            patients=len(kind),
            n=len(measurements["runs"]),
            named=named,
            sick=sick,
            others=others(measurements),
            silent=silent,
            healthy=healthy,
        )
    ]
    for name, (visits, right, found) in tally(measurements).items():
        if right < visits:
            reasons.append(
                say(
                    "“{name}” ({planted}): right in {right} of {visits}; said instead: {found}.",
                    name=name,
                    planted=kind[name]["planted"],
                    right=right,
                    visits=visits,
                    found=", ".join(found) or say("nothing"),
                )
            )
    if named < 0.8 * sick or silent < 0.8 * healthy:
        return Verdict(REFUTED, key, reasons)
    return Verdict(HOLDS if (named, silent) == (sick, healthy) else LIMITED, key, reasons)
