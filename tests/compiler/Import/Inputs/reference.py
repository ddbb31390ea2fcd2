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
bn_literal_scale bn_paddle bn_twice bn_folded conv_zero_bias conv_transposed_weight channels_last softplus_of_pytorch
two_uses_of_conv dense_forms literals flatten_dynamo flatten_paddle flatten_forms baked_batch selecting old_softmax
out_of_order weight_types""".split()


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
        expected = dict(zip(outputs, ReferenceEvaluator(reference).run(None, {value.name: x})))
        verdict, reason = check(folder, name, model, {value.name: x}, expected)
        print(verdict, name, reason or "")
        failures += verdict != "equal"
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
