"""KServe's clients by REST (protocol v2) and gRPC."""

import asyncio

import grpc
import httpx
import numpy
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

from checks import GRPC, HTTP, check, refused, same

FIRST = numpy.arange(16, dtype=numpy.int32).reshape(1, 16)
SECOND = numpy.ones((1, 16), dtype=numpy.int32)
URL = f"http://{HTTP}"


def request(binary, model="simple"):
    inputs = []
    for name, values in (("INPUT0", FIRST), ("INPUT1", SECOND)):
        tensor = InferInput(name, list(values.shape), "INT32")
        tensor.set_data_from_numpy(values, binary_data=binary)
        inputs.append(tensor)
    return InferRequest(model_name=model, infer_inputs=inputs, request_id="example-7")


def judge_simple(response):
    outputs = {output.name: output for output in response.outputs}
    same(sorted(outputs), ["OUTPUT0", "OUTPUT1"])
    same(outputs["OUTPUT0"].as_numpy(), FIRST + SECOND)
    same(outputs["OUTPUT1"].as_numpy(), FIRST - SECOND)
    same((response.id, response.model_name), ("example-7", "simple"))


async def by_rest(client):
    with check("REST: health"):
        same((await client.is_server_live(URL), await client.is_server_ready(URL), await client.is_model_ready(URL, "simple")), (True,) * 3)
    with check("REST: readiness of an unknown model"):
        try:
            same(await client.is_model_ready(URL, "nobody"), False)
        except httpx.HTTPStatusError as error:
            assert "nobody" in str(error), error
    with check("REST: infer, JSON"):
        judge_simple(await client.infer(URL, request(False), model_name="simple"))
    with check("REST: infer, binary"):
        judge_simple(await client.infer(URL, request(True), model_name="simple"))
    with check("REST: infer, a plain dictionary"):
        body = {"inputs": [{"name": "X", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2]}]}
        response = await client.infer(URL, body, model_name="scores")
        same(list(response.outputs[0].as_numpy().flatten()), [1.5, 2.0])
    with check("REST: infer, texts"):
        tensor = InferInput("INPUT0", [1, 16], "BYTES")
        tensor.set_data_from_numpy(numpy.array([["Grüße", *"abcdefghijklmno"]], dtype=object), binary_data=False)
        response = await client.infer(URL, InferRequest("simple_identity", [tensor]), model_name="simple_identity")
        same(response.outputs[0].as_numpy().flatten()[0], "Grüße")
    with check("REST: the error's text arrives"), refused(httpx.HTTPStatusError, "nobody"):
        await client.infer(URL, request(False, "nobody"), model_name="nobody")
    with check("REST: NaN becomes null in this client and is refused with a sentence"), refused(httpx.HTTPStatusError, "null"):
        body = {"inputs": [{"name": "X", "shape": [1, 1], "datatype": "FP32", "data": [float("nan")]}]}
        await client.infer(URL, body, model_name="scores")


async def by_grpc(client):
    with check("gRPC: health"):
        same((await client.is_server_live(), await client.is_server_ready(), await client.is_model_ready("simple")), (True,) * 3)
    for binary in (True, False):
        with check(f"gRPC: infer, {'raw' if binary else 'typed'}"):
            judge_simple(await client.infer(request(binary)))
    with check("gRPC: the error's text arrives"), refused(grpc.RpcError, "nobody"):
        await client.infer(request(True, "nobody"))


async def main():
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    await by_rest(rest)
    await rest.close()
    async with InferenceGRPCClient(GRPC) as client:
        await by_grpc(client)


asyncio.run(main())
