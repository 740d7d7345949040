"""A coroutine, without an asynchronous worker."""


async def handle(data, context):
    return ["awaited"] * len(data or [])
