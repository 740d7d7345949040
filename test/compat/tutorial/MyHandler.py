"""Reads a digit by its nearest neighbour: TorchScript embeds the image, faiss finds the labelled ones beside it."""

import io
import json

import faiss
import torch
from PIL import Image
from torchvision import transforms
from ts.torch_handler.base_handler import BaseHandler

NEIGHBOURS = 3


class MyHandler(BaseHandler):
    """One `{"dist", "pred"}` for each image."""

    def __init__(self):
        super().__init__()
        # The worker's folder is the archive's.
        self.index = faiss.read_index("./faiss_index.bin")
        with open("./faiss_label.json", encoding="utf-8") as file:
            self.labels = json.load(file)
        self.transform = transforms.Compose([transforms.Grayscale(), transforms.ToTensor()])

    def preprocess(self, data):
        images = [row.get("data") or row.get("body") for row in data]
        return torch.stack([self.transform(Image.open(io.BytesIO(image))) for image in images])

    def inference(self, data, *args, **kwargs):
        with torch.inference_mode():
            embeddings = self.model(data.to(self.device))
        distances, rows = self.index.search(embeddings.cpu().numpy(), NEIGHBOURS)
        return [(float(dist[0]), self.labels[row[0]]) for dist, row in zip(distances, rows)]

    def postprocess(self, data):
        return [{"dist": dist, "pred": pred} for dist, pred in data]
