"""Triton's HTTP client, synchronous: what its examples do."""

import numpy
import tritonclient.http as client
from tritonclient.utils import InferenceServerException

from checks import HTTP, check, refused, same
from examples import FIRST, SECOND, TEXTS, score_input, sequence_input, text_input, texts, two_inputs

triton = client.InferenceServerClient(HTTP, concurrency=4)


def judge_simple(result):
    same(result.as_numpy("OUTPUT0"), FIRST + SECOND)
    same(result.as_numpy("OUTPUT1"), FIRST - SECOND)


with check("health"):
    same((triton.is_server_live(), triton.is_server_ready()), (True, True))
    same((triton.is_model_ready("simple"), triton.is_model_ready("simple", "1")), (True, True))
    same((triton.is_model_ready("nobody"), triton.is_model_ready("simple", "9")), (False, False))

with check("server metadata"):
    metadata = triton.get_server_metadata()
    assert metadata["name"] and "binary_tensor_data" in metadata["extensions"], metadata

with check("model metadata"):
    metadata = triton.get_model_metadata("simple", "1")
    same((metadata["name"], metadata["versions"], metadata["platform"]), ("simple", ["1"], "onnxruntime_onnx"))
    same(metadata["inputs"][0], {"name": "INPUT0", "datatype": "INT32", "shape": [-1, 16]})

with check("metadata of an unknown model says so"), refused(InferenceServerException, "nobody"):
    triton.get_model_metadata("nobody")

with check("model configuration"):
    config = triton.get_model_config("simple")
    same([(one["name"], one["data_type"]) for one in config["input"]], [("INPUT0", "TYPE_INT32"), ("INPUT1", "TYPE_INT32")])
    same(config["input"][0]["dims"], [16] if config["max_batch_size"] > 0 else [-1, 16])

with check("statistics"):
    stats = triton.get_inference_statistics("simple")["model_stats"]
    same([(one["name"], one["version"]) for one in stats], [("simple", "1")])
    assert any(one["name"] == "scores" for one in triton.get_inference_statistics()["model_stats"])

with check("repository index"):
    states = {one["name"]: one["state"] for one in triton.get_model_repository_index()}
    same([states.get(name) for name in ("simple", "simple_identity", "scores")], ["READY"] * 3)

with check("infer: binary in and out"):
    result = triton.infer("simple", two_inputs(client))
    judge_simple(result)
    same(result.get_response()["model_name"], "simple")

with check("infer: JSON in and out"):
    outputs = [client.InferRequestedOutput(name, binary_data=False) for name in ("OUTPUT0", "OUTPUT1")]
    judge_simple(triton.infer("simple", two_inputs(client, binary_data=False), outputs=outputs))

with check("infer: one binary output and one of JSON, id and version"):
    outputs = [client.InferRequestedOutput("OUTPUT0", binary_data=True), client.InferRequestedOutput("OUTPUT1", binary_data=False)]
    result = triton.infer("simple", two_inputs(client), "1", outputs, request_id="example-7")
    judge_simple(result)
    same((result.get_response()["id"], result.get_response()["model_version"]), ("example-7", "1"))

for algorithm in ("gzip", "deflate"):
    with check(f"infer: {algorithm} both ways"):
        packed = {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}
        judge_simple(triton.infer("simple", two_inputs(client), **packed))

for binary in (True, False):
    with check(f"infer: texts, {'binary' if binary else 'JSON'}"):
        outputs = [client.InferRequestedOutput("OUTPUT0", binary_data=binary)]
        result = triton.infer("simple_identity", text_input(client, binary_data=binary), outputs=outputs)
        same(texts(result.as_numpy("OUTPUT0")), texts(TEXTS))

with check("infer: a body of the client's own making and reading"):
    body, length = client.InferenceServerClient.generate_request_body(two_inputs(client))
    assert isinstance(body, bytes) and length > 0

with check("infer: parameters of the caller"):
    judge_simple(triton.infer("simple", two_inputs(client), priority=1, timeout=20_000_000, parameters={"mine": "x", "count": 3}))

with check("classification"):
    outputs = [client.InferRequestedOutput("Y", class_count=2)]
    result = triton.infer("scores", score_input(client, ((0.1, 0.7, 0.2), (3.0, 2.0, 1.0))), outputs=outputs)
    classes = [[(float(value), int(index)) for value, index in (text.split(":")[:2] for text in texts(row))] for row in result.as_numpy("Y")]
    same([[index for _, index in row] for row in classes], [[1, 2], [0, 1]])
    assert abs(classes[0][0][0] - 0.7) < 1e-6, classes

with check("async_infer: eight at once"):
    waiting = [triton.async_infer("simple", two_inputs(client), request_id=str(number)) for number in range(8)]
    for number, request in enumerate(waiting):
        result = request.get_result()
        judge_simple(result)
        same(result.get_response()["id"], str(number))

with check("a sequence is refused with a sentence"), refused(InferenceServerException, "sequence"):
    triton.infer("simple_sequence", sequence_input(client), sequence_id=1000, sequence_start=True, sequence_end=False)

with check("a wrong input is refused with a sentence"), refused(InferenceServerException, "INPUT0"):
    triton.infer("simple", score_input(client))

with check("not a number passes through"):
    result = triton.infer("scores", score_input(client, ((float("nan"), float("inf"), -0.0),)))
    given = result.as_numpy("Y")[0]
    assert numpy.isnan(given[0]) and numpy.isinf(given[1]) and numpy.signbit(given[2]), given

with check("shared memory: nothing is registered"):
    same(triton.get_system_shared_memory_status(), [])
    same(triton.get_cuda_shared_memory_status(), [])
    triton.unregister_system_shared_memory()
    triton.unregister_cuda_shared_memory()

with check("shared memory cannot be registered"), refused(InferenceServerException, "shared memory"):
    triton.register_system_shared_memory("region", "/region", 64)

with check("unload and load"):
    triton.unload_model("scores")
    same(triton.is_model_ready("scores"), False)
    triton.load_model("scores")
    same(triton.is_model_ready("scores"), True)
    triton.infer("scores", score_input(client))

with check("load with a configuration"):
    triton.load_model("scores", config='{"max_batch_size": 16}')
    same(triton.get_model_config("scores")["max_batch_size"], 16)
    triton.infer("scores", score_input(client))

with check("load with a file is refused with a sentence"), refused(InferenceServerException, "file"):
    triton.load_model("scores", config="{}", files={"file:1/model.onnx": b"bytes"})

with check("unload of an unknown model says so"), refused(InferenceServerException, "nobody"):
    triton.unload_model("nobody")

triton.close()
