"""The protocol's JSON on FastAPI with onnxruntime, as a careful programmer writes it: orjson both ways, uvloop, no validation of every number."""

import sys

import numpy
import onnxruntime
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

model, port = sys.argv[1], int(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
names = [output.name for output in session.get_outputs()]
app = FastAPI()


@app.post("/v2/models/bench/infer")
async def infer(request: Request) -> Response:
    document = orjson.loads(await request.body())
    feeds = {each["name"]: numpy.asarray(each["data"], dtype=numpy.float32).reshape(each["shape"]) for each in document["inputs"]}
    outputs = [
        {"name": name, "datatype": "FP32", "shape": list(value.shape), "data": value.ravel()}
        for name, value in zip(names, session.run(names, feeds))
    ]
    answer = {"model_name": "bench", "model_version": "1", "outputs": outputs}
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")
