"""What every example shares: sealing an ONNX file, scoring it on held-out rows, writing rows and requests."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, recall_score, root_mean_squared_error

FOLDER = Path(__file__).parent
PRODUCER = "slipway-examples"
PRODUCER_VERSION = "1.0.0"
# Conservative on purpose: every runtime of the last years reads these.
IR_VERSION = 8
OPSET = {"": 17, "ai.onnx.ml": 3}


@dataclass(frozen=True)
class Data:
    """Where the rows come from and on what terms."""

    title: str
    url: str
    licence: str
    citation: str


@dataclass(frozen=True)
class Rows:
    """Held-out rows of one input tensor: values is [rows, ...], labels is [rows] of strings or numbers."""

    input: str
    values: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Version:
    """One trained model before it is sealed."""

    number: int
    model: onnx.ModelProto
    description: str
    tags: dict
    framework: str
    parameters: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """One registered model with its versions, its deployment and its held-out rows."""

    folder: str
    model: str
    description: str
    task: dict
    data: Data
    rows: Rows
    versions: list
    revisions: list


def f32(value) -> float:
    """The shortest decimal that reads back as the same 32-bit float."""
    return float(str(np.float32(value)))


def publish(example: Example) -> dict:
    """Writes the files of an example and gives its entry for manifest.json."""
    versions = [seal(example, version) for version in example.versions]
    write_rows(example)
    write_table(example, versions)
    return {
        "model": example.model,
        "description": example.description,
        "data": {"title": example.data.title, "url": example.data.url, "licence": example.data.licence, "citation": example.data.citation},
        "task": example.task,
        "versions": versions,
        "aliases": {"champion": example.revisions[-1]},
        "deployment": {"name": example.model, "revisions": example.revisions, "replicas": 1},
        "request": f"{example.folder}/request.json",
        "heldout": f"{example.folder}/heldout.ndjson",
    }


def seal(example: Example, version: Version) -> dict:
    """Names, checks, scores and writes one model file; gives its manifest entry."""
    model = version.model
    model.ir_version = IR_VERSION
    model.producer_name = PRODUCER
    model.producer_version = PRODUCER_VERSION
    model.model_version = version.number
    model.doc_string = version.description
    model.graph.name = f"{example.model}-v{version.number}"
    import_once(model)
    name_rows(model)
    metrics = score(model, example)
    onnx.helper.set_model_props(
        model,
        {
            "training_data": f"{example.data.title} <{example.data.url}>",
            "licence": example.data.licence,
            "citation": example.data.citation,
            "framework": version.framework,
            "held_out_rows": str(len(example.rows.labels)),
            "metrics": json.dumps(metrics),
        },
    )
    onnx.checker.check_model(model, full_check=True)
    path = f"{example.folder}/{example.model}-v{version.number}.onnx"
    (FOLDER / path).write_bytes(model.SerializeToString(deterministic=True))
    return {
        "file": path,
        "description": version.description,
        "tags": version.tags,
        "provenance": {
            "framework": version.framework,
            "script": f"examples/{example.folder}/train.py",
            "trainingData": example.data.title,
            "licence": example.data.licence,
            "heldOutRows": len(example.rows.labels),
            "parameters": version.parameters,
            "metrics": metrics,
        },
    }


def import_once(model: onnx.ModelProto) -> None:
    """Leaves one import per operator set: the converter lists some twice."""
    opsets = {opset.domain: opset.version for opset in model.opset_import}
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in sorted(opsets.items()))


def name_rows(model: onnx.ModelProto) -> None:
    """Gives the leading dimension of every input and output the same symbolic name."""
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "rows"


def score(model: onnx.ModelProto, example: Example) -> dict:
    """Metrics of the file itself, run by onnxruntime on the held-out rows, rounded to four digits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    output = example.task["predictionOutput"]
    predicted = session.run([output], {example.rows.input: example.rows.values.astype(np.float32)})[0].reshape(-1)
    actual = example.rows.labels
    if example.task["kind"] == "regression":
        mean = np.mean(actual)
        metrics = {
            "mae": mean_absolute_error(actual, predicted),
            "rmse": root_mean_squared_error(actual, predicted),
            "r2": 1 - np.sum((actual - predicted) ** 2) / np.sum((actual - mean) ** 2),
        }
    else:
        binary = example.task["kind"] == "binary"
        average = {"average": "binary", "pos_label": example.task["positiveClass"]} if binary else {"average": "macro"}
        metrics = {
            "accuracy": accuracy_score(actual, predicted),
            "recall": recall_score(actual, predicted, **average),
            "f1": f1_score(actual, predicted, **average),
        }
    return {name: round(float(value), 4) for name, value in metrics.items()}


def write_rows(example: Example) -> None:
    """heldout.ndjson: {"inputs": {name: [values of one row, flat]}, "label": ...}; request.json: the first row as a protocol request."""
    rows = example.rows
    lines = []
    for values, label in zip(rows.values, rows.labels, strict=True):
        lines.append(json.dumps({"inputs": {rows.input: numbers(values)}, "label": label.item()}, separators=(",", ":")))
    (FOLDER / example.folder / "heldout.ndjson").write_text("\n".join(lines) + "\n")
    request = {"inputs": [{"name": rows.input, "shape": [1, *rows.values.shape[1:]], "datatype": "FP32", "data": numbers(rows.values[0])}]}
    (FOLDER / example.folder / "request.json").write_text(json.dumps(request) + "\n")


def numbers(values: np.ndarray) -> list:
    """One row as a flat list; whole numbers without a fraction part keep the files small."""
    flat = [f32(value) for value in values.reshape(-1)]
    return [int(value) if value.is_integer() else value for value in flat]


def write_table(example: Example, versions: list) -> None:
    """Replaces the table between the markers in the example's README."""
    names = list(versions[0]["provenance"]["metrics"])
    lines = [f"| Version | {' | '.join(names)} | What it is |", f"| --- | {' | '.join('---:' for _ in names)} | --- |"]
    for version, entry in zip(example.versions, versions, strict=True):
        metrics = entry["provenance"]["metrics"]
        lines.append(f"| {version.number} | {' | '.join(f'{metrics[name]:.4f}' for name in names)} | {entry['description']} |")
    path = FOLDER / example.folder / "README.md"
    before, rest = path.read_text().split("<!-- metrics -->\n", 1)
    after = rest.split("<!-- /metrics -->", 1)[1]
    path.write_text(f"{before}<!-- metrics -->\n" + "\n".join(lines) + f"\n<!-- /metrics -->{after}")
