#!/usr/bin/env python3
"""Makes training_torch.{json,safetensors} with PyTorch: losses and optimizers over 50 steps (training_cases.py).

    python3 make_training_torch.py          (needs torch, numpy, safetensors)

Every case runs in float64; its final variables are kept. It runs in float32 too, and the distance between the two is
the drift that float32 itself has.
"""

import json
import os
import platform

import numpy as np
import safetensors.numpy
import torch
from torch import nn

import training_cases as cases

optim = torch.optim


def without_decay(net):
    """Parameter groups that leave vectors out of the weight decay, as training recipes do."""
    return [{"params": [p for p in net.parameters() if p.ndim > 1]}, {"params": [p for p in net.parameters() if p.ndim == 1], "weight_decay": 0}]


# Name -> model, loss and optimizer as bnc spells them, the same for PyTorch, and what else differs.
RUNS = {
    "mse": ("net", "mse", "sgd:lr=0.05", lambda p: optim.SGD(p, lr=0.05)),
    "bce": ("net", "bce-with-logits", "sgd:lr=0.05", lambda p: optim.SGD(p, lr=0.05)),
    "cross-entropy": ("net", "softmax-cross-entropy", "sgd:lr=0.05", lambda p: optim.SGD(p, lr=0.05)),
    "smoothing": ("net", "softmax-cross-entropy:label-smoothing=0.1", "sgd:lr=0.05", lambda p: optim.SGD(p, lr=0.05)),
    "probabilities": ("net", "softmax-cross-entropy:labels=probabilities", "sgd:lr=0.05", lambda p: optim.SGD(p, lr=0.05)),
    "probabilities-smoothing": ("net", "softmax-cross-entropy:labels=probabilities,label-smoothing=0.2", "sgd:lr=0.05",
                                lambda p: optim.SGD(p, lr=0.05)),
    "sgd-momentum": ("net", "softmax-cross-entropy", "sgd:lr=0.02,momentum=0.9,dampening=0.2,weight-decay=0.01",
                     lambda p: optim.SGD(p, lr=0.02, momentum=0.9, dampening=0.2, weight_decay=0.01)),
    "sgd-nesterov": ("net", "softmax-cross-entropy", "sgd:lr=0.02,momentum=0.9,nesterov",
                     lambda p: optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True)),
    "adam": ("net", "softmax-cross-entropy", "adam:lr=0.01,weight-decay=0.1", lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1)),
    "adamw": ("net", "softmax-cross-entropy", "adamw:lr=0.01,weight-decay=0.1", lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.1)),
    "adamw-exempt": ("net", "softmax-cross-entropy", "adamw:lr=0.01,weight-decay=0.1",
                     lambda net: optim.AdamW(without_decay(net), lr=0.01, weight_decay=0.1),
                     {"whole_model": True, "options": ["--no-weight-decay=^bn|bias$"]}),
    "rmsprop": ("net", "softmax-cross-entropy", "rmsprop:lr=0.002", lambda p: optim.RMSprop(p, lr=0.002)),
    "rmsprop-all": ("net", "softmax-cross-entropy", "rmsprop:lr=0.002,alpha=0.9,eps=1e-5,weight-decay=0.01,momentum=0.5,centered",
                    lambda p: optim.RMSprop(p, lr=0.002, alpha=0.9, eps=1e-5, weight_decay=0.01, momentum=0.5, centered=True)),
    "adagrad": ("net", "softmax-cross-entropy", "adagrad:lr=0.02,lr-decay=0.1,initial-accumulator=0.01,weight-decay=0.01",
                lambda p: optim.Adagrad(p, lr=0.02, lr_decay=0.1, initial_accumulator_value=0.01, weight_decay=0.01)),
    "clipping": ("net", "softmax-cross-entropy", "sgd:lr=0.1,momentum=0.9,clip-norm=0.1",
                 lambda p: optim.SGD(p, lr=0.1, momentum=0.9), {"clip": 0.1}),
    "accumulate": ("net", "softmax-cross-entropy", "adam:lr=0.01,clip-norm=0.2", lambda p: optim.Adam(p, lr=0.01),
                   {"accumulate": 2, "clip": 0.2, "options": ["--accumulate=2"]}),
}
for name, spelling, make in [
        ("sgd", "sgd", lambda p: optim.SGD(p, lr=0.01)),
        ("sgd-momentum", "sgd:momentum=0.9,weight-decay=0.01", lambda p: optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.01)),
        ("adam", "adam", lambda p: optim.Adam(p)), ("adamw", "adamw", lambda p: optim.AdamW(p)),
        ("rmsprop", "rmsprop", lambda p: optim.RMSprop(p)),
        ("rmsprop-centered", "rmsprop:centered,momentum=0.5", lambda p: optim.RMSprop(p, centered=True, momentum=0.5)),
        ("adagrad", "adagrad", lambda p: optim.Adagrad(p))]:
    RUNS["quadratic-" + name] = ("quadratic", "mse", spelling, make) # with each optimizer's default numbers


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4, eps=cases.EPSILON, momentum=cases.MOMENTUM)
        self.fc1 = nn.Linear(39, 6, bias=False)
        self.bn2 = nn.BatchNorm1d(6, eps=cases.EPSILON, momentum=cases.MOMENTUM)
        self.fc2 = nn.Linear(6, cases.OUTPUTS)

    def forward(self, image, extra):
        x = torch.tanh(self.bn1(self.conv(image)))
        x = torch.cat([nn.functional.avg_pool2d(x, 2).flatten(1), extra], 1)
        return self.fc2(torch.tanh(self.bn2(self.fc1(x))))


class Quadratic(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, cases.OUTPUTS)

    def forward(self, x):
        return self.fc(x)


def loss_of(kind):
    if kind == "mse":
        return nn.functional.mse_loss
    if kind == "bce-with-logits":
        return nn.functional.binary_cross_entropy_with_logits
    smoothing = float(kind.partition("label-smoothing=")[2].partition(",")[0] or 0)
    return lambda output, labels: nn.functional.cross_entropy(output, labels, label_smoothing=smoothing)


def train(model_name, loss_name, make_optimizer, dtype, accumulate=1, clip=None):
    model = (Net if model_name == "net" else Quadratic)()
    model.load_state_dict({name: torch.tensor(value) for name, value in cases.parameters(model_name).items()}, strict=False)
    model = model.to(dtype).train()
    inputs, labels = cases.data(model_name)
    target = labels[cases.label_kind(loss_name)]
    loss_function, optimizer = loss_of(loss_name), make_optimizer(model)
    losses, micro = [], []
    for batch in cases.batches():
        x = [torch.tensor(value[batch]).to(dtype) for value in inputs.values()]
        y = torch.tensor(target[batch])
        loss = loss_function(model(*x), y.long() if target.dtype == np.int32 else y.to(dtype))
        (loss / accumulate).backward()
        micro.append(loss.item())
        if len(micro) < accumulate:
            continue
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(np.mean(micro)))
        micro = []
    return losses, {name: value.detach().double().numpy().copy() for name, value in model.state_dict().items()
                    if not name.endswith("num_batches_tracked")}


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    golden = {"made_with": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}, "runs": {}}
    tensors = {}
    for name, (model, loss, optimizer, make_optimizer, *rest) in RUNS.items():
        extra = rest[0] if rest else {}
        make = lambda net: make_optimizer(net if extra.get("whole_model") else net.parameters())
        keywords = {key: extra[key] for key in ("accumulate", "clip") if key in extra}
        losses, exact = train(model, loss, make, torch.float64, **keywords)
        float32_losses, float32 = train(model, loss, make, torch.float32, **keywords)
        golden["runs"][name] = {
            "model": model, "loss": loss, "optimizer": optimizer, "options": extra.get("options", []), "losses": losses,
            "float32_distance": {key: float(np.abs(float32[key] - exact[key]).max()) for key in exact},
            "float32_loss_distance": float(np.abs(np.array(float32_losses) - losses).max()),
        }
        tensors.update({name + "/" + key: value.astype(np.float32) for key, value in exact.items()})
        drift = max(golden["runs"][name]["float32_distance"][key] / np.abs(exact[key]).max() for key in exact)
        print("%-32s losses %.6f .. %.6f, float32 within %.1e" % (name, losses[0], losses[-1], drift))
    safetensors.numpy.save_file(tensors, os.path.join(folder, "training_torch.safetensors"))
    with open(os.path.join(folder, "training_torch.json"), "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
