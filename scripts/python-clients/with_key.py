"""Where a key is required: every client sends it as a header, and is told what is wrong without it."""

import asyncio

import tritonclient.grpc as grpc_client
import tritonclient.http as http_client
import tritonclient.http.aio as aio_client
from tritonclient.utils import InferenceServerException

from checks import GRPC, HTTP, KEY, check, refused, same
from examples import FIRST, SECOND, two_inputs

HEADERS = {"Authorization": f"Bearer {KEY}"}
# gRPC wants the names of metadata in lower case.
METADATA = {"authorization": f"Bearer {KEY}"}


def judge_simple(result):
    same(result.as_numpy("OUTPUT0"), FIRST + SECOND)


http = http_client.InferenceServerClient(HTTP)
with check("HTTP with a key"):
    judge_simple(http.infer("simple", two_inputs(http_client), headers=HEADERS))
    same(http.get_model_metadata("simple", headers=HEADERS)["name"], "simple")
    assert http.get_model_repository_index(headers=HEADERS)
with check("HTTP without a key"), refused(InferenceServerException, "401"):
    http.infer("simple", two_inputs(http_client))
with check("HTTP with a wrong key"), refused(InferenceServerException, "401"):
    http.infer("simple", two_inputs(http_client), headers={"Authorization": "Bearer wrong"})
with check("HTTP: no change without a key"), refused(InferenceServerException, "401"):
    http.unload_model("simple")
with check("HTTP: health without a key"):
    same((http.is_server_live(), http.is_server_ready()), (True, True))
http.close()


async def by_aio():
    async with aio_client.InferenceServerClient(HTTP) as client:
        with check("HTTP asyncio with a key"):
            judge_simple(await client.infer("simple", two_inputs(aio_client), headers=HEADERS))
        with check("HTTP asyncio without a key"), refused(InferenceServerException, "key"):
            await client.infer("simple", two_inputs(aio_client))


asyncio.run(by_aio())

grpc = grpc_client.InferenceServerClient(GRPC)
with check("gRPC with a key"):
    judge_simple(grpc.infer("simple", two_inputs(grpc_client), headers=METADATA))
    same(grpc.get_model_metadata("simple", headers=METADATA).name, "simple")
with check("gRPC without a key"), refused(InferenceServerException, "UNAUTHENTICATED"):
    grpc.infer("simple", two_inputs(grpc_client))
with check("gRPC with a wrong key"), refused(InferenceServerException, "UNAUTHENTICATED"):
    grpc.infer("simple", two_inputs(grpc_client), headers={"authorization": "Bearer wrong"})
with check("gRPC: no change without a key"), refused(InferenceServerException, "UNAUTHENTICATED"):
    grpc.unload_model("simple")
with check("gRPC: a foreign or unknown model with a key"), refused(InferenceServerException, "NOT_FOUND"):
    grpc.infer("nobody", two_inputs(grpc_client), headers=METADATA)
with check("gRPC: health without a key"):
    same((grpc.is_server_live(), grpc.is_server_ready()), (True, True))
grpc.close()
