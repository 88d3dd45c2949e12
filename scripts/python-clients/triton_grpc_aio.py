"""Triton's gRPC client for asyncio, with a stream."""

import asyncio

import tritonclient.grpc.aio as client
from tritonclient.utils import InferenceServerException

from checks import GRPC, check, refused, same
from examples import FIRST, SECOND, TEXTS, text_input, texts, two_inputs


def judge_simple(result):
    same(result.as_numpy("OUTPUT0"), FIRST + SECOND)
    same(result.as_numpy("OUTPUT1"), FIRST - SECOND)


async def requests():
    for number in range(16):
        yield {"model_name": "simple", "inputs": two_inputs(client), "request_id": str(number)}


async def run(triton):
    with check("health"):
        same((await triton.is_server_live(), await triton.is_server_ready(), await triton.is_model_ready("simple")), (True,) * 3)
    with check("metadata, configuration, statistics, index"):
        assert "statistics" in (await triton.get_server_metadata()).extensions
        same((await triton.get_model_metadata("simple")).name, "simple")
        same((await triton.get_model_config("simple")).config.name, "simple")
        same((await triton.get_inference_statistics("simple")).model_stats[0].name, "simple")
        assert any(one.name == "simple" for one in (await triton.get_model_repository_index()).models)
    with check("infer"):
        judge_simple(await triton.infer("simple", two_inputs(client)))
    with check("infer: texts"):
        same(texts((await triton.infer("simple_identity", text_input(client))).as_numpy("OUTPUT0")), texts(TEXTS))
    with check("sixteen at once"):
        for result in await asyncio.gather(*(triton.infer("simple", two_inputs(client)) for _ in range(16))):
            judge_simple(result)
    with check("stream_infer"):
        seen = set()
        async for result, error in triton.stream_infer(requests()):
            assert error is None, error
            judge_simple(result)
            seen.add(result.get_response().id)
        same(len(seen), 16)
    with check("an unknown model says so"), refused(InferenceServerException, "nobody"):
        await triton.infer("nobody", two_inputs(client))


async def main():
    async with client.InferenceServerClient(GRPC) as triton:
        await run(triton)


asyncio.run(main())
