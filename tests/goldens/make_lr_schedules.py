"""Learning rates of PyTorch's and optax's schedules: lr_schedules.json, what tests/compiler/Driver/lr-schedule.test compares with.

Every case is a --lr-schedule of `bnc train`, for a peak of 0.1 and 12 steps in epochs of 3.

  make_lr_schedules.py [FOLDER]      needs torch, optax and jax
"""

import json
import pathlib
import sys

import jax
import optax
import torch
from torch.optim import lr_scheduler

jax.config.update("jax_enable_x64", True)
PEAK, STEPS = 0.1, 12


def of_torch(make):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = make(optimizer)
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def of_optax(schedule):
    return [float(schedule(step)) for step in range(STEPS)]


CASES = {
    "constant:warm-up=4,start=0.25": of_torch(lambda o: lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=4)),
    "step:every=2,factor=0.5": of_torch(lambda o: lr_scheduler.StepLR(o, step_size=2, gamma=0.5)),
    "step:every=1epoch": of_torch(lambda o: lr_scheduler.StepLR(o, step_size=3)),
    "cosine": of_torch(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS)),
    "cosine:final=0.2": of_torch(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS, eta_min=0.2 * PEAK)),
    "cosine:warm-up=1epoch,final=0.1": of_optax(optax.warmup_cosine_decay_schedule(0, PEAK, 3, STEPS, 0.1 * PEAK)),
    "one-cycle": of_torch(lambda o: lr_scheduler.OneCycleLR(o, PEAK, STEPS)),
    "one-cycle:rise=0.5,start=0.2,final=0.01": of_torch(
        lambda o: lr_scheduler.OneCycleLR(o, PEAK, STEPS, pct_start=0.5, div_factor=5, final_div_factor=20)),
}

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
versions = {module.__name__: module.__version__.split("+")[0] for module in (torch, optax, jax)}
(folder / "lr_schedules.json").write_text(json.dumps({"versions": versions, "rates": CASES}, indent=1) + "\n")
