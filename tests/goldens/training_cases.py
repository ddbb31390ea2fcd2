"""What the training golden files are made of: two small models, their data and start values, and the runs.

make_training_torch.py and make_training_jax.py run the cases in their frameworks, tests/apps/training.test runs the same
cases with bnc. Everything here is NumPy; RandomState's numbers are frozen, so nobody has to keep the data.

    quadratic   y = dense(x): the mean squared error is a quadratic in the parameters
    net         two inputs; convolution, BatchNorm, tanh, average pool, the second input, dense, BatchNorm, tanh, dense
"""

import numpy as np

SAMPLES, BATCH, STEPS = 64, 16, 50  # batches in file order, over and over
EPSILON, MOMENTUM = 1e-5, 0.1       # of the BatchNorms, in PyTorch's words
OUTPUTS = 3


def data(model):
    """{input: samples}, and the labels of each kind, all of them float32 or int32."""
    random = np.random.RandomState(11)
    if model == "quadratic":
        inputs = {"x": random.standard_normal((SAMPLES, 5))}
    else:
        inputs = {"image": random.standard_normal((SAMPLES, 2, 6, 6)) * 2 + 0.5, "extra": random.standard_normal((SAMPLES, 3))}
    features = np.concatenate([value.reshape(SAMPLES, -1) for value in inputs.values()], 1)
    scores = features @ random.standard_normal((features.shape[1], OUTPUTS)) / np.sqrt(features.shape[1])
    scores += 0.3 * random.standard_normal(scores.shape)
    soft = np.exp(scores)
    labels = {
        "mse": scores.astype(np.float32),
        "bce-with-logits": (scores > 0).astype(np.float32),
        "classes": scores.argmax(1).astype(np.int32),
        "probabilities": (soft / soft.sum(1, keepdims=True)).astype(np.float32),
    }
    return {name: value.astype(np.float32) for name, value in inputs.items()}, labels


def parameters(model):
    """Start values by the name of the variable, float32; PyTorch's state_dict names."""
    random = np.random.RandomState(12)

    def dense(outputs, inputs):
        return random.standard_normal((outputs, inputs)) / np.sqrt(inputs)

    def batch_norm(name, channels):
        return {name + ".weight": 1 + 0.2 * random.standard_normal(channels), name + ".bias": 0.2 * random.standard_normal(channels),
                name + ".running_mean": np.zeros(channels), name + ".running_var": np.ones(channels)}

    if model == "quadratic":
        values = {"fc.weight": dense(OUTPUTS, 5), "fc.bias": random.standard_normal(OUTPUTS)}
    else:
        # No bias before a BatchNorm: its gradient is rounding noise, which Adam would blow up.
        values = {"conv.weight": dense(4, 18).reshape(4, 2, 3, 3)}
        values.update(batch_norm("bn1", 4))
        values.update({"fc1.weight": dense(6, 39)})
        values.update(batch_norm("bn2", 6))
        values.update({"fc2.weight": dense(OUTPUTS, 6), "fc2.bias": 0.1 * random.standard_normal(OUTPUTS)})
    return {name: value.astype(np.float32) for name, value in values.items()}


def batches():
    """Slices of the data, one for every step."""
    for step in range(STEPS):
        first = step * BATCH % SAMPLES
        yield slice(first, first + BATCH)


def label_kind(loss):
    """The labels that a loss, as bnc spells it, is computed with."""
    if not loss.startswith("softmax-cross-entropy"):
        return loss
    return "probabilities" if "labels=probabilities" in loss else "classes"
