"""Triton's gRPC client: what its examples do, with a stream."""

import queue

import numpy
import tritonclient.grpc as client
from tritonclient.utils import InferenceServerException

from checks import GRPC, check, refused, same
from examples import FIRST, SECOND, TEXTS, score_input, sequence_input, text_input, texts, two_inputs

triton = client.InferenceServerClient(GRPC)
waitS = 30


def judge_simple(result):
    same(result.as_numpy("OUTPUT0"), FIRST + SECOND)
    same(result.as_numpy("OUTPUT1"), FIRST - SECOND)


with check("health"):
    same((triton.is_server_live(), triton.is_server_ready()), (True, True))
    same((triton.is_model_ready("simple"), triton.is_model_ready("simple", "1")), (True, True))

with check("readiness of an unknown model"):
    try:
        same(triton.is_model_ready("nobody"), False)
    except InferenceServerException as error:
        assert "nobody" in str(error), error

with check("server metadata"):
    metadata = triton.get_server_metadata(as_json=True)
    assert metadata["name"] and "statistics" in metadata["extensions"], metadata

with check("model metadata"):
    metadata = triton.get_model_metadata("simple")
    same((metadata.name, list(metadata.versions), metadata.platform), ("simple", ["1"], "onnxruntime_onnx"))
    same([(one.name, one.datatype, list(one.shape)) for one in metadata.inputs], [("INPUT0", "INT32", [-1, 16]), ("INPUT1", "INT32", [-1, 16])])

with check("model configuration"):
    config = triton.get_model_config("simple", as_json=True)["config"]
    same([(one["name"], one["data_type"]) for one in config["input"]], [("INPUT0", "TYPE_INT32"), ("INPUT1", "TYPE_INT32")])

with check("statistics"):
    stats = triton.get_inference_statistics("simple").model_stats
    same([(one.name, one.version) for one in stats], [("simple", "1")])

with check("repository index"):
    states = {one.name: one.state for one in triton.get_model_repository_index().models}
    same([states.get(name) for name in ("simple", "simple_identity", "scores")], ["READY"] * 3)

with check("infer"):
    judge_simple(triton.infer("simple", two_inputs(client)))

with check("infer: wanted outputs, id, version, parameters"):
    outputs = [client.InferRequestedOutput("OUTPUT1")]
    asked = {"request_id": "example-7", "priority": 1, "timeout": 20_000_000, "parameters": {"mine": "x", "b": True, "n": 3}}
    result = triton.infer("simple", two_inputs(client), "1", outputs, **asked)
    same(result.as_numpy("OUTPUT1"), FIRST - SECOND)
    same((result.get_response().id, result.as_numpy("OUTPUT0")), ("example-7", None))

with check("infer: texts"):
    result = triton.infer("simple_identity", text_input(client))
    same(texts(result.as_numpy("OUTPUT0")), texts(TEXTS))

for algorithm in ("gzip", "deflate"):
    with check(f"infer: {algorithm}"):
        judge_simple(triton.infer("simple", two_inputs(client), compression_algorithm=algorithm))

with check("infer: within a time of the client"):
    judge_simple(triton.infer("simple", two_inputs(client), client_timeout=30))

with check("infer: a tensor of 8 MB"):
    values = numpy.arange(2_000_000, dtype=numpy.float32).reshape(1, -1)
    tensor = client.InferInput("X", list(values.shape), "FP32")
    tensor.set_data_from_numpy(values)
    same(triton.infer("scores", [tensor]).as_numpy("Y"), values)

with check("classification"):
    result = triton.infer("scores", score_input(client), outputs=[client.InferRequestedOutput("Y", class_count=2)])
    same([text.split(":")[1] for text in texts(result.as_numpy("Y"))], ["1", "2"])

with check("async_infer: eight at once"):
    answers = queue.Queue()
    for number in range(8):
        triton.async_infer("simple", two_inputs(client), lambda result, error: answers.put((result, error)), request_id=str(number))
    seen = set()
    for _ in range(8):
        result, error = answers.get(timeout=waitS)
        assert error is None, error
        judge_simple(result)
        seen.add(result.get_response().id)
    same(seen, {str(number) for number in range(8)})

with check("stream: 32 requests, one of them bad"):
    answers = queue.Queue()
    triton.start_stream(lambda result, error: answers.put((result, error)))
    for number in range(32):
        model = "nobody" if number == 7 else "simple"
        triton.async_stream_infer(model, two_inputs(client), request_id=str(number))
    results = [answers.get(timeout=waitS) for _ in range(32)]
    triton.stop_stream()
    errors = [error for _, error in results if error is not None]
    same(len(errors), 1)
    assert "nobody" in str(errors[0]), errors
    for result, error in results:
        if error is None:
            judge_simple(result)

with check("a sequence is refused with a sentence"), refused(InferenceServerException, "sequence"):
    triton.infer("simple_sequence", sequence_input(client), sequence_id=1000, sequence_start=True, sequence_end=False)

with check("an unknown model says so"), refused(InferenceServerException, "nobody", "NOT_FOUND"):
    triton.infer("nobody", two_inputs(client))

with check("a wrong input is refused with a sentence"), refused(InferenceServerException, "INPUT0", "INVALID_ARGUMENT"):
    triton.infer("simple", score_input(client))

with check("shared memory: nothing is registered"):
    same(len(triton.get_system_shared_memory_status().regions), 0)
    triton.unregister_system_shared_memory()

with check("shared memory cannot be registered"), refused(InferenceServerException, "shared memory"):
    triton.register_system_shared_memory("region", "/region", 64)

with check("unload and load"):
    triton.unload_model("scores")
    same(triton.is_model_ready("scores"), False)
    triton.load_model("scores")
    same(triton.is_model_ready("scores"), True)
    triton.infer("scores", score_input(client))

with check("load with a configuration"):
    triton.load_model("scores", config='{"max_batch_size": 8}')
    same(triton.get_model_config("scores").config.max_batch_size, 8)

with check("load with a file is refused with a sentence"), refused(InferenceServerException, "file"):
    triton.load_model("scores", config="{}", files={"file:1/model.onnx": b"bytes"})

triton.close()
