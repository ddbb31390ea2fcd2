"""float64_training: a training step of a plain ONNX network in float64, by NumPy alone: forward with batch statistics, mean
softmax cross-entropy, and the gradient of every initializer that has one; in float32 too, to see what that loses. Slow
and simple: one function per operation, which returns its result and the function from its gradient to those of its
inputs. Nothing of bnc is in it."""

import numpy as np
import onnx
import onnx.numpy_helper


def windows(x, kernel, strides, pads):
    """(N, C, rows, columns, KH, KW), a view of the padded image."""
    x = np.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    return np.lib.stride_tricks.sliding_window_view(x, kernel, (2, 3))[:, :, ::strides[0], ::strides[1]]


def conv(x, weight, attributes):
    groups, strides, pads = attributes.get("group", 1), attributes["strides"], attributes["pads"]
    outputs, inputs, height, width = weight.shape
    view = windows(x, (height, width), strides, pads)
    view = view.reshape(len(x), groups, inputs, *view.shape[2:])
    grouped = weight.reshape(groups, outputs // groups, inputs, height, width)
    y = np.einsum("ngcyxhw,gkchw->ngkyx", view, grouped, optimize=True)
    shape = (len(x), outputs) + y.shape[3:]

    def backward(dy):
        dy = dy.reshape(y.shape)
        dw = np.einsum("ngcyxhw,ngkyx->gkchw", view, dy, optimize=True)
        dx = np.zeros((len(x), groups, inputs, x.shape[2] + pads[0] + pads[2], x.shape[3] + pads[1] + pads[3]), x.dtype)
        for h in range(height):
            for w in range(width):
                taps = np.einsum("ngkyx,gkc->ngcyx", dy, grouped[:, :, :, h, w], optimize=True)
                dx[:, :, :, h:h + taps.shape[3] * strides[0]:strides[0], w:w + taps.shape[4] * strides[1]:strides[1]][
                    :, :, :, :taps.shape[3], :taps.shape[4]] += taps
        dx = dx.reshape(len(x), -1, *dx.shape[3:])[:, :, pads[0]:pads[0] + x.shape[2], pads[1]:pads[1] + x.shape[3]]
        return dx, dw.reshape(weight.shape)

    return y.reshape(shape), backward


def batch_norm(x, scale, offset, mean, variance, attributes, training):
    epsilon = float(np.float32(attributes.get("epsilon", 1e-5)))
    along = lambda vector: vector.reshape(1, -1, 1, 1)
    if training:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
    slope = along(1 / np.sqrt(variance + epsilon))
    normalized = (x - along(mean)) * slope

    def backward(dy):
        sums, products = dy.sum((0, 2, 3)), (dy * normalized).sum((0, 2, 3))
        count = x.size / x.shape[1]
        dx = along(scale) * slope * (dy - along(sums) / count - normalized * along(products) / count)
        return dx, products, sums, None, None

    return normalized * along(scale) + along(offset), backward


def relu(x):
    return np.maximum(x, 0), lambda dy: (dy * (x > 0),)


def average(x):
    return x.mean((2, 3), keepdims=True), lambda dy: (np.broadcast_to(dy / (x.shape[2] * x.shape[3]), x.shape),)


def dense(x, weight): # transposed, without bias
    return x @ weight.T, lambda dy: (dy @ weight, dy.T @ x)


class Network:
    def __init__(self, model, dtype=np.float64):
        self.model, self.dtype = model, dtype
        self.initializers = {tensor.name: onnx.numpy_helper.to_array(tensor).astype(dtype) for tensor in model.graph.initializer}

    def apply(self, node, inputs, training):
        attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Conv":
            return conv(*inputs, attributes)
        if node.op_type == "BatchNormalization":
            return batch_norm(*inputs, attributes, training)
        return {"Relu": relu, "GlobalAveragePool": average, "Gemm": dense,
                "Add": lambda a, b: (a + b, lambda dy: (dy, dy)),
                "Flatten": lambda x: (x.reshape(len(x), -1), lambda dy: (dy.reshape(x.shape),))}[node.op_type](*inputs)

    def forward(self, x, training):
        """The logits, and what goes back through every node."""
        values = dict(self.initializers)
        values[self.model.graph.input[0].name] = x.astype(self.dtype)
        tape = []
        for node in self.model.graph.node:
            values[node.output[0]], backward = self.apply(node, [values[name] for name in node.input], training)
            tape.append((node, backward))
        return values[self.model.graph.output[0].name], tape

    def infer(self, x):
        return self.forward(x, training=False)[0]

    def gradients(self, x, labels):
        """The loss, and a dictionary of gradients by the names of initializers."""
        logits, tape = self.forward(x, training=True)
        shifted = logits - logits.max(1, keepdims=True)
        probabilities = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
        rows = np.arange(len(x))
        loss = -np.log(probabilities[rows, labels]).mean()
        probabilities[rows, labels] -= 1
        gradients = {self.model.graph.output[0].name: probabilities / len(x)}
        for node, backward in reversed(tape):
            for name, gradient in zip(node.input, backward(gradients.pop(node.output[0]))):
                if gradient is not None:
                    gradients[name] = gradients[name] + gradient if name in gradients else gradient
        return loss, {name: gradient for name, gradient in gradients.items() if name in self.initializers}

    def settle(self, x):
        """Moves offsets, by less than the distance of two neighbouring values, so that no input of a ReLU is as close to 0
        as float32 rounds: else rounding would decide about its gradient."""
        values = dict(self.initializers)
        values[self.model.graph.input[0].name] = x.astype(np.float64)
        norm = None
        for node in self.model.graph.node:
            if node.op_type == "BatchNormalization":
                norm = node
            if node.op_type == "Relu":
                offset = values[norm.input[2]]
                for channel in range(len(offset)):
                    near = np.sort(values[node.input[0]][:, channel].ravel())
                    at = np.clip(np.searchsorted(near, 0), 16, len(near) - 16)
                    near = near[at - 16:at + 16]
                    gap = np.argmax(np.diff(near))
                    offset[channel] -= (near[gap] + near[gap + 1]) / 2
                offset[:] = offset.astype(np.float32)
                values[norm.output[0]] = self.apply(norm, [values[name] for name in norm.input], True)[0]
                for added in self.model.graph.node:
                    if added.op_type == "Add" and added.output[0] == node.input[0]:
                        values[added.output[0]] = values[added.input[0]] + values[added.input[1]]
            values[node.output[0]] = self.apply(node, [values[name] for name in node.input], True)[0]
        for tensor in self.model.graph.initializer:
            tensor.CopyFrom(onnx.numpy_helper.from_array(self.initializers[tensor.name].astype(np.float32), tensor.name))
