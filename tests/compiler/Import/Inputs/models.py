"""Small ONNX models, by name.

    models.py NAME FILE.onnx

Each function below is one model; its docstring says what is particular about it.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Collects nodes; `x` of shape (N, 3, 8, 8) is the input unless another is given."""

    def __init__(self, opset=17, producer="test", inputs=(("x", ("N", 3, 8, 8)),)):
        self.opset, self.producer, self.inputs = opset, producer, inputs
        self.nodes, self.initializers, self.metadata = [], [], {}
        self.random = np.random.default_rng(1)

    def weight(self, name, *shape):
        """A stored tensor of random values in [0.5, 1.5)."""
        return self.store(name, (self.random.random(shape) + 0.5).astype(np.float32))

    def store(self, name, value):
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def constant(self, name, value):
        self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value))))
        return name

    def node(self, op_type, inputs, outputs="y", name=None, domain="", **attributes):
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(op_type, inputs, outputs, name=name or "", domain=domain, **attributes))
        return outputs[0]

    def conv(self, x, name, out, kernel, inputs=3, **attributes):
        self.weight(name + ".weight", out, inputs, kernel, kernel)
        return self.node("Conv", [x, name + ".weight"], name + "_out", name=name, **attributes)

    def batch_norm(self, x, name, channels, outputs=None, **attributes):
        names = [self.weight("%s.%s" % (name, part), channels)
                 for part in ("weight", "bias", "running_mean", "running_var")]
        return self.node("BatchNormalization", [x, *names], outputs or name + "_out", name=name, **attributes)

    def model(self, *outputs, shapes=None):
        infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in self.inputs]
        results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "g", infos, results, self.initializers)
        model = helper.make_model(graph, producer_name=self.producer, ir_version=8,
                                  opset_imports=[helper.make_opsetid("", self.opset)])
        for key, value in self.metadata.items():
            model.metadata_props.add(key=key, value=value)
        return model


def batch_norm(opset=17, producer="test", outputs=None, metadata=None, **attributes):
    b = Builder(opset, producer)
    b.metadata = metadata or {}
    b.batch_norm(b.conv("x", "conv", 4, 3), "bn", 4, outputs, **attributes)
    return b.model("bn_out")


def small():
    """Conv, BatchNormalization, Relu, pool, view, Gemm: one of most things."""
    b = Builder()
    b.batch_norm(b.conv("x", "conv", 4, 3, pads=[1, 1, 1, 1]), "bn", 4)
    b.node("Relu", ["bn_out"], "r")
    b.node("MaxPool", ["r"], "p", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    b.node("Shape", ["p"], "s")
    b.node("Gather", ["s", b.constant("zero", np.int64(0))], "n")
    b.node("Unsqueeze", ["n", b.constant("axis", np.array([0], np.int64))], "n1")
    b.node("Concat", ["n1", b.constant("rest", np.array([-1], np.int64))], "shape", axis=0)
    b.node("Reshape", ["p", "shape"], "flat")
    b.weight("fc.weight", 5, 64), b.weight("fc.bias", 5)
    b.node("Gemm", ["flat", "fc.weight", "fc.bias"], "y", name="fc", transB=1)
    return b.model("y")


#===-- BatchNormalization -------------------------------------------------------===#

def bn_defaults():
    return batch_norm()


def bn_opset7():
    """Five outputs, as PyTorch wrote to say that it trains."""
    return batch_norm(7, outputs=["bn_out", "m", "v", "sm", "sv"], momentum=0.75, epsilon=0.5)


def bn_opset9():
    return batch_norm(9, outputs=["bn_out", "m", "v", "sm", "sv"])


def bn_opset14():
    return batch_norm(14, outputs=["bn_out", "m", "v"], training_mode=1)


def bn_opset15():
    return batch_norm(15, training_mode=0)


def bn_side_output():
    """The running mean that a training node gives besides is an output of the graph."""
    b = Builder(14)
    b.batch_norm(b.conv("x", "conv", 4, 3), "bn", 4, ["bn_out", "m", "v"], training_mode=1)
    return b.model("bn_out", "m")


def bn_spatial0():
    return batch_norm(7, spatial=0)


def bn_pytorch():
    return batch_norm(producer="pytorch")


def bn_metadata():
    return batch_norm(producer="pytorch", metadata={"bn": "1", "bnc.running_variance": "population"})


def bn_bad_metadata():
    return batch_norm(metadata={"bnc.running_variance": "biased"})


def bn_keras():
    """Keras through PyTorch's exporter: the names say so."""
    b = Builder(producer="pytorch")
    prefix = "_functional._torch_params.batch_normalization/"
    names = [b.weight(prefix + part, 3) for part in ("gamma", "beta", "moving_mean", "moving_variance")]
    b.node("BatchNormalization", ["x", *names])
    return b.model("y")


def bn_flax():
    b = Builder(producer="pytorch")
    names = [b.weight(part, 3) for part in ("params.b.scale", "params.b.bias", "batch_stats.b.mean",
                                            "batch_stats.b.var")]
    b.node("BatchNormalization", ["x", *names])
    return b.model("y")


def bn_momentum_one():
    b = Builder()
    b.batch_norm(b.batch_norm("x", "a", 3, momentum=1.0), "b", 3, momentum=1.0)
    return b.model("b_out")


def bn_momentum_zero():
    return batch_norm(momentum=0.0)


def bn_no_running():
    """PyTorch's track_running_stats=False: mean and variance of the batch are computed in the graph."""
    b = Builder(18, producer="pytorch")
    b.constant("axes", np.array([0, 2, 3]))
    b.node("ReduceMean", ["x", "axes"], "mean", keepdims=0)
    b.node("ReduceMean", ["x", "axes"], "centre", keepdims=1)
    b.node("Sub", ["x", "centre"], "deviation"), b.node("Mul", ["deviation", "deviation"], "square")
    b.node("ReduceMean", ["square", "axes"], "variance", keepdims=0)
    b.node("BatchNormalization", ["x", b.weight("s", 3), b.weight("b", 3), "mean", "variance"])
    return b.model("y")


def running_average():
    """The project's own op for what ONNX has none: the running average of any tensor."""
    b = Builder()
    b.node("RunningAverage", ["x", b.weight("mean", 3, 8, 8)], "average", domain="bnc", decay=0.5)
    b.node("Sub", ["x", "average"], "y")
    return b.model("y")


def bn_not_affine():
    """PyTorch's affine=False: scale and offset are literals of ones and zeros."""
    b = Builder()
    b.constant("one", np.ones(3, np.float32)), b.constant("zero", np.zeros(3, np.float32))
    b.node("BatchNormalization", ["x", "one", "zero", b.weight("m", 3), b.weight("v", 3)])
    return b.model("y")


def bn_expanded_affine():
    """The same from the dynamo exporter: expanded to the channels of the activation."""
    b = Builder(18)
    b.constant("one", np.float32(1)), b.constant("zero", np.float32(0))
    b.node("CastLike", ["one", "x"], "one_like"), b.node("CastLike", ["zero", "x"], "zero_like")
    b.node("Shape", ["x"], "c", start=1, end=2)
    b.node("Expand", ["one_like", "c"], "ones"), b.node("Expand", ["zero_like", "c"], "zeros")
    b.node("BatchNormalization", ["x", "ones", "zeros", b.weight("m", 3), b.weight("v", 3)])
    return b.model("y")


def bn_literal_scale():
    """A literal scale that is no one stays, as a constant."""
    b = Builder()
    b.constant("scale", np.full(3, 2, np.float32))
    b.node("BatchNormalization", ["x", "scale", b.weight("b", 3), b.weight("m", 3), b.weight("v", 3)])
    return b.model("y")


def bn_paddle():
    """No initializers: every weight is the output of a Constant."""
    b = Builder()
    names = [b.constant(name, np.full(3, i + 1, np.float32))
             for i, name in enumerate(("bn.w_0", "bn.b_0", "bn.w_1", "bn.w_2"))]
    b.node("BatchNormalization", ["x", *names])
    return b.model("y")


def bn_shared():
    """An untrained model whose exporter merged equal tensors: scale is the variance."""
    b = Builder(producer="pytorch")
    b.weight("bn.weight", 3), b.weight("bn.bias", 3)
    b.node("BatchNormalization", ["x", "bn.weight", "bn.bias", "bn.bias", "bn.weight"], name="bn")
    return b.model("y")


def bn_computed_mean():
    """track_running_stats=False: statistics come from the data."""
    b = Builder(18)
    b.node("ReduceMean", ["x", b.constant("axes", np.array([0, 2, 3], np.int64))], "m", keepdims=0)
    b.node("BatchNormalization", ["x", b.weight("s", 3), b.weight("b", 3), "m", b.weight("v", 3)], name="bn")
    b.inputs = (("x", (2, 3, 8, 8)),)
    return b.model("y")


def bn_twice():
    """One module called twice; the second call sees its statistics through Identity."""
    b = Builder()
    b.batch_norm("x", "bn", 3)
    b.node("Identity", ["bn.running_mean"], "mean2"), b.node("Identity", ["bn.running_var"], "var2")
    b.node("BatchNormalization", ["bn_out", "bn.weight", "bn.bias", "mean2", "var2"], name="again")
    return b.model("y")


def bn_folded():
    """PyTorch's default export: the BatchNormalization is in the convolution."""
    b = Builder(producer="pytorch")
    b.weight("conv.weight", 4, 3, 3, 3), b.weight("conv.weight_bias", 4)
    b.node("Conv", ["x", "conv.weight", "conv.weight_bias"])
    return b.model("y")


def bn_folded_into_bias():
    """The same where the convolution has a bias: names stay, but its result is the batch normalization's."""
    b = Builder(producer="pytorch")
    b.weight("conv.weight", 4, 3, 3, 3), b.weight("conv.bias", 4)
    b.node("Conv", ["x", "conv.weight", "conv.bias"], "getitem")
    b.node("Relu", ["getitem"])
    return b.model("y")


#===-- Layers ---------------------------------------------------------------------===#

def conv_zero_bias():
    """The dynamo exporter writes bias=False as zeros expanded to the weight's first dimension."""
    b = Builder(18)
    b.weight("w", 4, 3, 3, 3), b.constant("zero", np.float32(0)), b.constant("one", np.array([1], np.int64))
    b.node("CastLike", ["zero", "x"], "z"), b.node("Shape", ["w"], "c", start=0, end=1)
    b.node("Expand", ["z", "one"], "z1"), b.node("Expand", ["z1", "c"], "bias")
    b.node("Conv", ["x", "w", "bias"], name="conv", pads=[1, 2, 3, 4], strides=[2, 1])
    return b.model("y")


def conv_transposed_weight():
    """Keras stores HWIO; the variable keeps that shape."""
    b = Builder()
    b.weight("conv/kernel", 3, 3, 3, 4), b.weight("conv/bias", 4)
    b.node("Identity", ["conv/kernel"], "k"), b.node("Cast", ["k"], "k32", to=TensorProto.FLOAT)
    b.node("Transpose", ["k32"], "w", perm=[3, 2, 0, 1])
    b.node("Conv", ["x", "w"], "c", name="conv", auto_pad="SAME_UPPER", strides=[2, 2])
    b.node("Reshape", ["conv/bias", b.constant("shape", np.array([1, 4, 1, 1], np.int64))], "b4")
    b.node("Add", ["c", "b4"], name="add")
    return b.model("y")


def channels_last():
    """Keras: everything is NHWC, with a transpose to NCHW and back around each layer, and HWIO kernels."""
    b = Builder(15, inputs=(("x", ("N", 8, 8, 3)),))
    b.weight("conv/kernel", 3, 3, 3, 4), b.weight("conv/bias", 4), b.weight("dense/kernel", 4, 5), b.weight("dense/bias", 5)
    to_first, to_last = dict(perm=[0, 3, 1, 2]), dict(perm=[0, 2, 3, 1])
    b.node("Transpose", ["x"], "x1", **to_first)
    b.node("Transpose", ["conv/kernel"], "w", perm=[3, 2, 0, 1])
    b.node("Conv", ["x1", "w"], "c1", name="conv"), b.node("Transpose", ["c1"], "c", **to_last)
    b.node("Reshape", ["conv/bias", b.constant("shape", np.array([1, 1, 1, 4], np.int64))], "b4")
    b.node("Add", ["c", "b4"], "a", name="bias"), b.node("Transpose", ["a"], "a1", **to_first)
    b.batch_norm("a1", "bn", 4), b.node("Transpose", ["bn_out"], "n", **to_last)
    b.node("Mul", ["n", b.weight("layer_scale/gamma", 4)], "s"), b.node("Relu", ["s"], "r")
    b.node("Add", ["r", "n"], "sum"), b.node("Mul", ["sum", b.weight("mask", 6, 6, 4)], "masked")
    b.node("Concat", ["masked", "sum"], "cc", axis=-1)
    b.node("Split", ["cc"], ["half", "other"], axis=3)
    b.node("Transpose", ["sum"], "r1", **to_first)
    b.node("MaxPool", ["r1"], "p1", kernel_shape=[2, 2], strides=[2, 2]), b.node("Transpose", ["p1"], "p", **to_last)
    b.node("ReduceMean", ["p"], "m", axes=[1, 2], keepdims=0), b.node("ReduceMean", ["half"], "h", axes=[1, 2], keepdims=0)
    b.node("Add", ["m", "h"], "mh")
    b.node("MatMul", ["mh", "dense/kernel"], "d"), b.node("Add", ["d", "dense/bias"])
    return b.model("y")


def of_one():
    """What PyTorch writes for layers that do nothing here, and an average without padding that would count it."""
    b = Builder(producer="pytorch")
    b.node("AveragePool", ["x"], "adapted", kernel_shape=[1, 1], strides=[1, 1], count_include_pad=1)
    b.node("MaxPool", ["adapted"], "largest", kernel_shape=[1, 1], strides=[1, 1])
    b.node("Concat", ["largest"], "joined", axis=1)
    b.node("AveragePool", ["joined"], "getitem", kernel_shape=[2, 2], strides=[2, 2], count_include_pad=1)
    b.node("MaxPool", ["getitem"], "y", kernel_shape=[1, 1], strides=[2, 2])
    return b.model("y")


def softplus_of_pytorch():
    """Where(x * beta > threshold, x, Softplus(x * beta) / beta), with beta 1 and 2."""
    b = Builder(18, inputs=(("x", ("N", 5)),))
    x = "x"
    for beta in (1, 2):
        name = "b%d" % beta
        b.constant(name, np.float32(beta)), b.constant(name + "t", np.float32(20))
        b.node("Mul", [x, name], name + "x"), b.node("Softplus", [name + "x"], name + "s")
        b.node("Div", [name + "s", name], name + "d"), b.node("Greater", [name + "x", name + "t"], name + "g")
        x = b.node("Where", [name + "g", x, name + "d"], "y" if beta == 2 else "z")
    return b.model("y")


def where():
    b = Builder(18)
    b.node("Greater", ["x", b.constant("zero", np.float32(0))], "g"), b.node("Neg", ["x"], "n")
    b.node("Where", ["g", "x", "n"], name="choose")
    return b.model("y")


def two_uses_of_conv():
    """The sum is no bias: the convolution's own result is used, too."""
    b = Builder()
    b.conv("x", "conv", 4, 3)
    b.weight("b", 4, 1, 1)
    b.node("Add", ["conv_out", "b"], "a"), b.node("Mul", ["conv_out", "a"])
    return b.model("y")


def dense_forms():
    """Gemm in both orientations, with alpha and beta; MatMul with an Add; MatMul by a transposed weight."""
    b = Builder(inputs=(("x", ("N", 4)),))
    b.node("Gemm", ["x", b.weight("a.w", 5, 4), b.weight("a.b", 5)], "a", transB=1)
    b.node("Gemm", ["a", b.weight("b.w", 5, 6), b.weight("b.b", 6)], "b")
    b.node("Gemm", ["b", b.weight("c.w", 6, 2), b.weight("c.b", 1, 2)], "c", alpha=0.5, beta=2.0)
    b.node("MatMul", ["c", b.weight("d.w", 2, 3)], "d0", name="matmul")
    b.node("Add", [b.weight("d.b", 3), "d0"], "d", name="add")
    b.node("Transpose", [b.weight("e.w", 7, 3)], "e.t", perm=[1, 0])
    b.node("MatMul", ["d", "e.t"], "y")
    return b.model("y")


def gemm_transposed_input():
    b = Builder(inputs=(("x", (4, 4)),))
    b.node("Gemm", ["x", b.weight("w", 4, 5)], name="fc", transA=1)
    return b.model("y")


def matmul_of_data():
    b = Builder(inputs=(("x", (4, 4)),))
    b.node("MatMul", ["x", "x"], name="attention")
    return b.model("y")


def literals():
    """Numbers of the source program, under the names exporters give them, are constants; named tensors are not."""
    b = Builder(inputs=(("x", ("N", 3)),))
    b.store("val_0", np.float32(6)), b.store("onnx::Mul_7", np.array([1, 2, 3], np.float32))
    b.weight("layer.scale", 3)
    b.node("Add", ["x", "val_0"], "a"), b.node("Mul", ["a", "onnx::Mul_7"], "m"), b.node("Mul", ["m", "layer.scale"])
    return b.model("y")


#===-- Shapes -----------------------------------------------------------------------===#

def flatten_dynamo():
    """Shape[0:1], Squeeze, Reshape, Concat, Reshape(allowzero)."""
    b = Builder(18)
    b.node("Shape", ["x"], "s", start=0, end=1), b.node("Squeeze", ["s"], "n")
    b.node("Reshape", ["n", b.constant("minus", np.array([-1], np.int64))], "n1")
    b.node("Concat", ["n1", b.constant("size", np.array([192], np.int64))], "shape", axis=0)
    b.node("Reshape", ["x", "shape"], allowzero=1)
    return b.model("y")


def flatten_paddle():
    """Shape, Cast, Slice, Concat, Reshape."""
    b = Builder()
    b.node("Shape", ["x"], "s"), b.node("Cast", ["s"], "s32", to=TensorProto.INT32)
    b.constant("b", np.array([0], np.int64)), b.constant("e", np.array([1], np.int64))
    b.node("Slice", ["s32", "b", "e", "b"], "n")
    b.node("Concat", ["n", b.constant("rest", np.array([-1], np.int32))], "shape", axis=0)
    b.node("Cast", ["shape"], "shape64", to=TensorProto.INT64)
    b.node("Reshape", ["x", "shape64"])
    return b.model("y")


def flatten_forms():
    """Flatten, Reshape(-1, n), Reshape(0, -1), and sizes computed from one another."""
    b = Builder(13)
    b.node("Flatten", ["x"], "a")
    b.node("Reshape", ["a", b.constant("s1", np.array([-1, 3, 64], np.int64))], "b")
    b.node("Reshape", ["b", b.constant("s2", np.array([0, 0, 8, -1], np.int64))], "c")
    # (N, C*H/2, 2*W), from Shape(c)
    b.node("Shape", ["c"], "s")
    sizes = [b.node("Gather", ["s", b.constant("i%d" % i, np.int64(i))], "d%d" % i) for i in range(4)]
    b.constant("two", np.int64(2))
    b.node("Mul", [sizes[1], sizes[2]], "ch"), b.node("Div", ["ch", "two"], "half"), b.node("Mul", [sizes[3], "two"], "w2")
    b.constant("axes", np.array([0], np.int64))
    parts = [b.node("Unsqueeze", [part, "axes"], part + "u") for part in (sizes[0], "half", "w2")]
    b.node("Concat", parts, "shape", axis=0), b.node("Reshape", ["c", "shape"])
    return b.model("y")


def baked_batch():
    """Exported for a batch of 2."""
    b = Builder(inputs=(("x", (2, 3, 8, 8)),))
    b.node("Reshape", ["x", b.constant("s", np.array([2, 192], np.int64))], "f")
    b.node("Reshape", ["f", b.constant("t", np.array([2, 3, -1], np.int64))])
    return b.model("y")


def batch_merged():
    b = Builder()
    b.node("Reshape", ["x", b.constant("s", np.array([-1, 8], np.int64))], name="view")
    return b.model("y")


def batch_moved():
    b = Builder()
    b.node("Transpose", ["x"], name="swap", perm=[1, 0, 2, 3])
    return b.model("y")


def unknown_width():
    return_shape = ("N", 3, 8, "width")
    b = Builder(inputs=(("x", return_shape),))
    b.node("Relu", ["x"])
    return b.model("y")


def selecting():
    """Split to a sequence, Split, Slice, Gather, Pad."""
    b = Builder(13, inputs=(("x", ("N", 6, 8, 8)),))
    b.node("SplitToSequence", ["x", b.constant("three", np.int64(3))], "seq", axis=1)
    b.node("SequenceAt", ["seq", b.constant("last", np.int64(-1))], "a")
    b.node("Split", ["a", b.constant("sizes", np.array([1, 2], np.int64))], ["b", "c"], axis=1)
    b.constant("starts", np.array([1, 0], np.int64)), b.constant("ends", np.array([2**63 - 1, -1], np.int64))
    b.constant("axes", np.array([2, -1], np.int64)), b.constant("steps", np.array([2, 3], np.int64))
    b.node("Slice", ["c", "starts", "ends", "axes", "steps"], "d")
    b.node("Gather", ["d", b.constant("one", np.int64(-1))], "e", axis=1)
    b.node("Pad", ["e", b.constant("pads", np.array([0, 1, 0, 0, 0, 2], np.int64)),
                   b.constant("value", np.float32(3))])
    return b.model("y")


def pad_negative():
    """A negative pad removes elements."""
    b = Builder(inputs=(("x", ("N", 4, 3)),))
    b.node("Pad", ["x", b.constant("pads", np.array([0, 1, -1, 0, 0, 2], np.int64))])
    return b.model("y")


#===-- The rest -----------------------------------------------------------------------===#

def conversions():
    """Identity and Cast vanish; a trailing Identity names the output; an unused initializer and input are dropped."""
    b = Builder(inputs=(("x", ("N", 3)), ("unused", ("N",))))
    b.weight("left", 3)
    b.node("Cast", ["x"], "a", to=TensorProto.FLOAT), b.node("Identity", ["a"], "b"), b.node("Relu", ["b"], "c")
    b.node("Identity", ["c"], "y")
    return b.model("y", "c")


def dropouts():
    b = Builder(12, inputs=(("x", ("N", 3)),))
    b.constant("p", np.float32(0.25)), b.constant("t", np.bool_(True)), b.constant("q", np.float32(0))
    b.node("Dropout", ["x", "p", "t"], ["a", "mask"], name="drop"), b.node("Dropout", ["a"], "b")
    b.node("Dropout", ["b", "q"])
    return b.model("y")


def dropout_opset7():
    b = Builder(7, inputs=(("x", ("N", 3)),))
    b.node("Dropout", ["x"], ratio=0.75)
    return b.model("y")


def statistics_as_outputs():
    """Flax with mutable statistics: outputs that are just the initializers."""
    b = Builder()
    b.batch_norm("x", "bn", 3)
    return b.model("bn_out", "bn.running_mean")


def old_softmax():
    """Until opset 12 Softmax is over all dimensions from `axis` on."""
    b = Builder(12)
    b.node("Softmax", ["x"])
    return b.model("y")


def out_of_order():
    b = Builder()
    b.node("Relu", ["a"], "y"), b.node("Sigmoid", ["x"], "a")
    return b.model("y")


def cycle():
    b = Builder()
    b.node("Add", ["x", "b"], "a", name="first"), b.node("Relu", ["a"], "b", name="second")
    return b.model("b")


def missing_input():
    b = Builder()
    b.node("Add", ["x", "nowhere"], name="sum")
    return b.model("y")


def unsupported_ops():
    b = Builder()
    b.node("RandomUniformLike", ["x"], "a", name="noise"), b.node("Resize", ["a"], "b")
    b.node("Resize", ["b"], "c", name="up"), b.node("FusedConv", ["c"], "y", domain="com.microsoft")
    return b.model("y")


def unsupported_input():
    model = small()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    return model


def unsupported_weight():
    model = small()
    [w] = [w for w in model.graph.initializer if w.name == "conv.weight"]
    w.CopyFrom(numpy_helper.from_array(np.zeros((4, 3, 3, 3), np.complex64), "conv.weight"))
    return model


def short_weight():
    model = small()
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-4]
    return model


def old_opset():
    return batch_norm(6)


def future_opset():
    return batch_norm(99)


def attribute_kind():
    b = Builder()
    b.weight("w", 4, 3, 3, 3)
    b.node("Conv", ["x", "w"], name="conv", strides=1)
    return b.model("y")


def channels_differ():
    b = Builder()
    b.weight("w", 4, 2, 3, 3)
    b.node("Conv", ["x", "w"], name="conv")
    return b.model("y")


def weight_types():
    """Weights in other floating-point types, and one in typed fields."""
    import ml_dtypes
    b = Builder(inputs=(("x", ("N", 4)),))
    value = np.array([1.5, -2, 0.25, 3])
    for name, kind in (("half", np.float16), ("double", np.float64), ("brain", ml_dtypes.bfloat16)):
        b.store(name, value.astype(kind))
    b.initializers.append(helper.make_tensor("typed", TensorProto.FLOAT, [4], value))
    x = "x"
    for name in ("half", "double", "brain", "typed"):
        b.node("Cast", [name], name + "_f32", to=TensorProto.FLOAT)
        x = b.node("Mul", [x, name + "_f32"], "y" if name == "typed" else name + "_out")
    return b.model("y")


if __name__ == "__main__":
    onnx.save(globals()[sys.argv[1]](), sys.argv[2])
