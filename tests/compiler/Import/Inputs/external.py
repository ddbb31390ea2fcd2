"""Writes a model whose weights are in other files, in a form to choose.

    external.py FORM FOLDER     FOLDER/model.onnx
"""

import os
import sys

import onnx
from onnx import TensorProto

import models


def set_external(tensor, **entries):
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))


def main(form, folder):
    os.makedirs(folder, exist_ok=True)
    model = models.small()
    path = os.path.join(folder, "model.onnx")
    if form in ("good", "missing"):
        onnx.save(model, path, save_as_external_data=True, location="model.data", size_threshold=0)
        if form == "missing":
            os.remove(os.path.join(folder, "model.data"))
        return
    tensor = model.graph.initializer[0]  # 432 bytes
    location = "data/w" if form == "folder" else "w.data"
    os.makedirs(os.path.join(folder, "data"), exist_ok=True)
    with open(os.path.join(folder, location), "wb") as file:
        file.write(b"\0" * 16 + tensor.raw_data)
    outside = os.path.join(os.path.dirname(os.path.abspath(folder)), "outside.data")
    with open(outside, "wb") as file:
        file.write(tensor.raw_data)
    link = os.path.join(folder, "link.data")
    if not os.path.islink(link):
        os.symlink(outside, link)
    forms = {
        "folder": dict(location=location, offset=16, length=432),
        "no-length": dict(location=location, offset=16),
        "length": dict(location=location, offset=16, length=400),
        "offset": dict(location=location, offset=20, length=432),
        "huge-offset": dict(location=location, offset=2**64 - 1, length=432),
        "text-offset": dict(location=location, offset="sixteen", length=432),
        "parent": dict(location="../outside.data"),
        "absolute": dict(location=outside),
        "link": dict(location="link.data"),
        "directory": dict(location="data"),
        "no-location": dict(offset=0),
    }
    if form != "inline":
        set_external(tensor, **forms[form])
    onnx.save(model, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
