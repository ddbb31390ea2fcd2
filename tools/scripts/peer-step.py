"""peer-step.py: another program's side of model_bench.c, which side_by_side describes.

    peer-step.py train PEER NETWORK SHAPE IMAGES LABELS BATCH THREADS LEARNING_RATE MOMENTUM
    peer-step.py infer PEER NETWORK SHAPE IMAGES LOGITS BATCH THREADS FOLDER

PEER is one of TRAIN or INFER below, NETWORK one of peer_networks.py, whose files are in FOLDER; SHAPE is that of an
image, such as 3,224,224.
"""
import os
import sys
from types import SimpleNamespace

import numpy as np

import side_by_side


def pytorch_network(job, layout):
    import torch

    import peer_networks

    torch.set_num_threads(job.threads)
    return peer_networks.make(job.network, job.images.shape[-1]).to(memory_format=getattr(torch, layout))


def pytorch_batches(job, layout):
    import torch

    return [torch.from_numpy(batch).contiguous(memory_format=getattr(torch, layout)) for batch in job.images]


def train_pytorch(job, layout="contiguous_format", compiled=False):
    """A function that takes a step with batch `which` and returns its loss."""
    import torch

    net, batches = pytorch_network(job, layout).train(), pytorch_batches(job, layout)
    labels = [torch.from_numpy(batch).long() for batch in job.labels]
    optimizer = torch.optim.SGD(net.parameters(), lr=job.learning_rate, momentum=job.momentum, fused=True)
    forward = torch.compile(net) if compiled else net

    def step(which):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(forward(batches[which]), labels[which])
        loss.backward()
        optimizer.step()
        return loss.detach()
    return step


def infer_pytorch(job, layout="contiguous_format", compiled=False):
    """A function that returns the logits of batch `which`."""
    import torch

    net, batches = pytorch_network(job, layout).eval(), pytorch_batches(job, layout)
    if compiled:
        import torch._inductor.config
        torch._inductor.config.freezing = True
        net = torch.compile(net)

    def run(which):
        with torch.no_grad():
            return net(batches[which]).numpy()
    return run


def infer_onnxruntime(job):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_free_dimension_override_by_name("N", job.images.shape[1])
    session = onnxruntime.InferenceSession(os.path.join(job.folder, "infer.onnx"), options, ["CPUExecutionProvider"])
    bindings = []
    for batch in job.images:
        bindings.append(session.io_binding())
        bindings[-1].bind_cpu_input(session.get_inputs()[0].name, batch)
        bindings[-1].bind_output(session.get_outputs()[0].name)

    def run(which):
        session.run_with_iobinding(bindings[which])
        return bindings[which].get_outputs()[0].numpy()
    return run


def infer_openvino(job):
    import openvino

    core = openvino.Core()
    model = core.read_model(os.path.join(job.folder, "infer.onnx"))
    model.reshape(list(job.images.shape[1:]))
    request = core.compile_model(model, "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": job.threads,
    }).create_infer_request()
    tensors = [openvino.Tensor(batch, shared_memory=True) for batch in job.images]

    def run(which):
        request.set_input_tensor(tensors[which])
        request.start_async()
        request.wait()
        return np.array(request.get_output_tensor().data)
    return run


def infer_ncnn(job):
    """ncnn knows no batches: one image after the other."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = job.threads
    net.opt.use_winograd_convolution = True
    for precision in ("fp16", "bf16"):
        for use in ("packed", "storage", "arithmetic"):
            option = "use_%s_%s" % (precision, use)
            if hasattr(net.opt, option):
                setattr(net.opt, option, False)
    if net.load_param(os.path.join(job.folder, "ncnn.param")) or net.load_model(os.path.join(job.folder, "ncnn.bin")):
        sys.exit("ncnn cannot load its files in " + job.folder)
    first, last = net.input_names()[0], net.output_names()[0]

    def run_one(image):
        extractor = net.create_extractor()
        extractor.input(first, ncnn.Mat(image))
        return np.array(extractor.extract(last)[1])
    return lambda which: np.stack([run_one(image) for image in job.images[which]])


# What imports, what prepares, and how.
PYTORCH = ("torch", "peer_networks")
TRAIN = {
    "pytorch": (PYTORCH, train_pytorch, {}),
    "channels-last": (PYTORCH, train_pytorch, {"layout": "channels_last"}),
    "torch-compile": (PYTORCH, train_pytorch, {"compiled": True}),
}
INFER = {
    "onnxruntime": (("onnxruntime",), infer_onnxruntime, {}),
    "openvino": (("openvino",), infer_openvino, {}),
    "ncnn": (("ncnn",), infer_ncnn, {}),
    "pytorch": (PYTORCH, infer_pytorch, {}),
    "channels-last": (PYTORCH, infer_pytorch, {"layout": "channels_last"}),
    "torch-compile": (PYTORCH, infer_pytorch, {"compiled": True}),
}


def main():
    mode, peer, network, shape, images, other, batch, threads = sys.argv[1:9]
    modules, prepare, how = {"train": TRAIN, "infer": INFER}[mode][peer]
    for module in modules:
        __import__(module)
    imported = side_by_side.peak_memory()
    batch, shape = int(batch), [int(size) for size in shape.split(",")]
    job = SimpleNamespace(network=network, threads=int(threads))
    job.images = np.fromfile(images, np.float32).reshape(-1, batch, *shape)
    batches = len(job.images)
    if mode == "train":
        job.labels = np.fromfile(other, np.int32).reshape(-1, batch)
        job.learning_rate, job.momentum = (float(number) for number in sys.argv[9:])
        step = prepare(job, **how)
    else:
        job.folder, = sys.argv[9:]
        step = prepare(job, **how)
        np.concatenate([step(which) for which in range(batches)]).tofile(other)
    taken = 0

    def run(steps):
        nonlocal taken
        results = [step(which % batches) for which in range(taken, taken + steps)]
        taken += steps
        return results if mode == "train" else []

    side_by_side.serve(run, imported)


if __name__ == "__main__":
    main()
