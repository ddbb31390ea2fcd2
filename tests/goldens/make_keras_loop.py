#!/usr/bin/env python3
"""Makes keras_loop.onnx and keras_loop.json: a custom training loop of Keras, 100 steps with GradientTape.

    python3 make_keras_loop.py [-o FOLDER]        (needs keras, tensorflow, onnx, numpy)

A regression from one number to one: BatchNormalization as the first layer on (N, 1), Dropout, a frozen Dense layer and
a frozen BatchNormalization (trainable=False, so it uses its moving statistics in training too); the gradients are those
of model.trainable_variables, the loss is the mean squared error, the optimizer SGD with momentum. Keras's random numbers
are its own, so the run has a layer in Dropout's place that drops what bnc drops (dropout.py).
"""

import os
import sys

import numpy as np

import dropout
import golden

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "export"))

STEPS, BATCH, LEARNING_RATE, MOMENTUM, UNITS, SEED = 100, 32, 0.05, 0.9, 16, 2026
RATE, DROPOUT_SEED = 0.2, 7


def data(count, seed):
    x = golden.uniform(count, seed).reshape(count, 1)
    return x, 4 * x * (1 - x)


def make(dtype="float32", drop=None):
    """The model; `drop`: a layer in the place of Keras's Dropout."""
    import keras

    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential([
        keras.Input((1,), name="x"),
        keras.layers.BatchNormalization(name="input_norm"),
        keras.layers.Dense(UNITS, activation="relu", name="hidden"),
        drop or keras.layers.Dropout(RATE, name="dropout"),
        keras.layers.Dense(UNITS, name="fixed"),
        keras.layers.BatchNormalization(scale=False, name="fixed_norm"),
        keras.layers.Activation("tanh", name="tanh"),
        keras.layers.Dense(1, name="head"),
    ])
    model.get_layer("fixed").trainable = False
    model.get_layer("fixed_norm").trainable = False
    return model


def run(dtype):
    import keras
    import tensorflow as tf

    class Drop(keras.layers.Layer):
        """Multiplies by what `factors` holds."""

        def __init__(self):
            super().__init__(name="dropout", dtype=dtype)
            self.factors = tf.Variable(tf.ones((BATCH, UNITS), dtype), trainable=False)

        def call(self, x, training=False):
            return x * self.factors if training else x

    start = make().get_weights()
    drop = Drop()
    model = make(dtype, drop)
    model.set_weights([value.astype(dtype) for value in start])
    optimizer = keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM)
    loss_fn = keras.losses.MeanSquaredError()

    @tf.function
    def train_step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    x, y = data(STEPS * BATCH, 1)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        drop.factors.assign(dropout.factors(DROPOUT_SEED, step, 0, BATCH, UNITS, RATE).astype(dtype))
        losses.append(float(train_step(tf.constant(x[batch].astype(dtype)), tf.constant(y[batch].astype(dtype)))))
    outputs = model(data(BATCH, 2)[0].astype(dtype), training=False).numpy()
    assert outputs.dtype == dtype
    variables = {layer.name + "/" + variable.name: variable.numpy()
                 for layer in model.layers for variable in layer.variables if "seed" not in variable.path}
    return losses, variables, outputs


def export(folder):
    import keras_to_onnx

    keras_to_onnx.export(make(), os.path.join(folder, "keras_loop.onnx"))


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    golden.main("keras_loop", __doc__.splitlines()[0], ("keras", "tensorflow", "onnx", "numpy"),
                {"steps": STEPS, "batch": BATCH, "optimizer": "sgd:lr=%g,momentum=%g" % (LEARNING_RATE, MOMENTUM),
                 "options": ["--loss=mse", "--trainable=^(input_norm|hidden|head)/", "--freeze=^fixed_norm/", "--seed=%d" % DROPOUT_SEED]}, run, export)
