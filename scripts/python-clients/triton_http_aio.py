"""Triton's HTTP client for asyncio: always asks for compressed answers, and reads only predictions that way."""

import asyncio

import tritonclient.http.aio as client
from tritonclient.utils import InferenceServerException

from checks import HTTP, check, refused, same
from examples import FIRST, SECOND, TEXTS, score_input, sequence_input, text_input, texts, two_inputs


def judge_simple(result):
    same(result.as_numpy("OUTPUT0"), FIRST + SECOND)
    same(result.as_numpy("OUTPUT1"), FIRST - SECOND)


async def run(triton):
    with check("health"):
        same((await triton.is_server_live(), await triton.is_server_ready(), await triton.is_model_ready("simple")), (True,) * 3)
        same(await triton.is_model_ready("nobody"), False)
    with check("metadata, configuration, statistics, index"):
        assert "statistics" in (await triton.get_server_metadata())["extensions"]
        same((await triton.get_model_metadata("simple"))["name"], "simple")
        same((await triton.get_model_config("simple"))["name"], "simple")
        same((await triton.get_inference_statistics("simple"))["model_stats"][0]["name"], "simple")
        assert any(one["name"] == "simple" for one in await triton.get_model_repository_index())
    with check("infer: binary"):
        judge_simple(await triton.infer("simple", two_inputs(client)))
    with check("infer: JSON"):
        outputs = [client.InferRequestedOutput(name, binary_data=False) for name in ("OUTPUT0", "OUTPUT1")]
        judge_simple(await triton.infer("simple", two_inputs(client, binary_data=False), outputs=outputs))
    with check("infer: texts"):
        result = await triton.infer("simple_identity", text_input(client))
        same(texts(result.as_numpy("OUTPUT0")), texts(TEXTS))
    for algorithm in ("gzip", "deflate"):
        with check(f"infer: {algorithm} both ways"):
            packed = {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}
            judge_simple(await triton.infer("simple", two_inputs(client), **packed))
    with check("sixteen at once"):
        for result in await asyncio.gather(*(triton.infer("simple", two_inputs(client)) for _ in range(16))):
            judge_simple(result)
    with check("classification"):
        result = await triton.infer("scores", score_input(client), outputs=[client.InferRequestedOutput("Y", class_count=1)])
        same(texts(result.as_numpy("Y"))[0].split(":")[1], "1")
    with check("errors are readable: an unknown model"), refused(InferenceServerException, "nobody"):
        await triton.infer("nobody", two_inputs(client))
    with check("errors are readable: a sequence"), refused(InferenceServerException, "sequence"):
        await triton.infer("simple_sequence", sequence_input(client), sequence_id=7, sequence_start=True)
    with check("unload and load"):
        await triton.unload_model("scores")
        same(await triton.is_model_ready("scores"), False)
        await triton.load_model("scores")
        same(await triton.is_model_ready("scores"), True)
    with check("shared memory: nothing is registered"):
        same(await triton.get_system_shared_memory_status(), [])
        await triton.unregister_system_shared_memory()


async def main():
    async with client.InferenceServerClient(HTTP) as triton:
        await run(triton)


asyncio.run(main())
