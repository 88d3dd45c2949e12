"""What perf_analyzer does around a window of measuring: metadata, configuration, extensions, statistics before and after, subtracted."""

import tritonclient.grpc as grpc_client
import tritonclient.http as http_client

from checks import GRPC, HTTP, check, same
from examples import two_inputs

REQUESTS = 20
PHASES = ("queue", "compute_input", "compute_infer", "compute_output")


def field(message, name):
    return message[name] if isinstance(message, dict) else getattr(message, name)


def look(stats):
    """One reading in plain numbers, from JSON or from a message."""
    entries = field(stats, "model_stats")
    same(len(entries), 1)
    counted = field(entries[0], "inference_stats")
    reading = {name: int(field(entries[0], name)) for name in ("inference_count", "execution_count")}
    for phase in ("success", "fail", *PHASES):
        duration = field(counted, phase)
        reading[phase] = (int(field(duration, "count")), int(field(duration, "ns")))
    return reading


def difference(before, after):
    return {
        name: tuple(b - a for a, b in zip(before[name], after[name])) if isinstance(after[name], tuple) else after[name] - before[name]
        for name in after
    }


def measure(module, triton, parse):
    with check(f"{parse}: what it reads at the start"):
        metadata = triton.get_model_metadata("simple")
        config = triton.get_model_config("simple") if parse == "http" else triton.get_model_config("simple").config
        assert "statistics" in field(triton.get_server_metadata(), "extensions")
        names = {field(one, "name") for one in field(metadata, "inputs")}
        assert {field(one, "name") for one in field(config, "input")} <= names, names
        assert int(field(config, "max_batch_size")) >= 0
    with check(f"{parse}: a window of {REQUESTS} requests, one row each"):
        before = look(triton.get_inference_statistics("simple"))
        for _ in range(REQUESTS):
            triton.infer("simple", two_inputs(module))
        window = difference(before, look(triton.get_inference_statistics("simple")))
        same((window["success"][0], window["inference_count"], window["fail"][0]), (REQUESTS, REQUESTS, 0))
        assert 1 <= window["execution_count"] <= REQUESTS, window
        for phase in PHASES:
            assert window[phase][1] >= 0, window
        assert 0 < window["compute_infer"][1] <= window["success"][1], window
        assert sum(window[phase][1] for phase in PHASES) <= window["success"][1] * 1.05, window
    with check(f"{parse}: sizes of runs add up to the rows"):
        entry = field(triton.get_inference_statistics("simple"), "model_stats")[0]
        rows = sum(int(field(one, "batch_size")) * int(field(field(one, "compute_infer"), "count")) for one in field(entry, "batch_stats"))
        same(rows, int(field(entry, "inference_count")))


with http_client.InferenceServerClient(HTTP) as triton:
    measure(http_client, triton, "http")
with grpc_client.InferenceServerClient(GRPC) as triton:
    measure(grpc_client, triton, "grpc")
