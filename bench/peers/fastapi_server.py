"""FastAPI with the empty handler: `python -m uvicorn fastapi_server:app`."""

from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.post("/predict")
async def predict(request: Request) -> Response:
    await request.body()
    return Response("ok")
