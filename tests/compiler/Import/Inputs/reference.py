"""Imports the models of models.py and compares them with ONNX's reference evaluator.

    reference.py FOLDER
"""

import os
import sys

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

import models
from importing import check

NAMES = """small bn_defaults bn_opset7 bn_opset9 bn_opset15 bn_keras bn_momentum_one bn_not_affine bn_expanded_affine
bn_literal_scale bn_paddle bn_twice bn_folded bn_folded_into_bias conv_zero_bias conv_transposed_weight channels_last of_one
softplus_of_pytorch two_uses_of_conv dense_forms literals flatten_dynamo flatten_paddle flatten_forms baked_batch selecting old_softmax
weight_types""".split()


def softmax_of_sample(x):
    """Softmax before opset 13, which the reference evaluator takes for the later one."""
    flat = x.reshape(len(x), -1).astype(np.float64)
    powers = np.exp(flat - flat.max(1, keepdims=True))
    return (powers / powers.sum(1, keepdims=True)).reshape(x.shape)


FORMULAS = {"old_softmax": softmax_of_sample}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    failures = 0
    for name in NAMES:
        model = getattr(models, name)()
        # Inference is the same in all versions, but the reference evaluator normalizes by the batch in some.
        reference = onnx.ModelProto.FromString(model.SerializeToString())
        for node in reference.graph.node:
            if node.op_type == "BatchNormalization":
                del node.output[1:]
                reference.opset_import[0].version = max(15, model.opset_import[0].version)
        value = model.graph.input[0]
        shape = [dim.dim_value or 3 for dim in value.type.tensor_type.shape.dim]
        x = (np.random.default_rng(0).random(shape) * 40 - 20).astype(np.float32)
        outputs = [output.name for output in model.graph.output]
        if name in FORMULAS:
            results = [FORMULAS[name](x)]
        else:
            results = ReferenceEvaluator(reference).run(None, {value.name: x})
        expected = dict(zip(outputs, results))
        verdict, reason = check(folder, name, model, {value.name: x}, expected)
        print(verdict, name, reason or "")
        failures += verdict != "equal"
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
