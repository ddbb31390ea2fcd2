"""keras_models.py FOLDER: exports Keras models that use every layer the exporter knows, with an input and Keras's own
output for each; then loads changed values into one of them, and tries what cannot be exported."""
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
import safetensors.numpy
from keras import layers

folder = sys.argv[1]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "..", "tools", "export"))
import keras_to_onnx

keras.utils.set_random_seed(7)
random = np.random.default_rng(7)


def image_model():
    x = inputs = keras.Input((10, 12, 3), name="image")
    x = layers.Rescaling(2.0, offset=-1.0)(x)
    x = layers.Conv2D(8, 3, padding="same", strides=2, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D((3, 2), depth_multiplier=2, use_bias=False)(x)
    x = layers.BatchNormalization(center=False)(x)
    x = layers.ReLU(max_value=6)(x)
    side = layers.Conv2D(16, 1, groups=2)(x)
    side = layers.LeakyReLU(negative_slope=0.1)(side)
    x = layers.Concatenate()([layers.Add()([x, side]), layers.Multiply()([x, side])])
    x = layers.MaxPooling2D(2, strides=1, padding="same")(x)
    x = layers.AveragePooling2D(2, strides=1)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(12, activation="sigmoid")(x)
    x = layers.Dropout(0.3)(x)
    x = layers.BatchNormalization(scale=False)(x)
    return keras.Model(inputs, layers.Dense(4)(x))


def nested_model():
    block = keras.Sequential([keras.Input((6,)), layers.Dense(6), layers.BatchNormalization(), layers.ELU()], name="block")
    inputs = keras.Input((6,), name="x")
    outputs = layers.Activation("tanh")(block(block(inputs)))
    return keras.Model(inputs, layers.Dense(2, activation="softplus")(outputs))


def sequence_model():
    return keras.Sequential([
        keras.Input((9, 5)), layers.Conv1D(8, 3, dilation_rate=2), layers.BatchNormalization(), layers.Activation("silu"),
        layers.MaxPooling1D(2), layers.GlobalAveragePooling1D(), layers.Dense(3, activation="hard_sigmoid"),
        layers.Reshape((3,)), layers.Identity()])


models = {"image": image_model(), "nested": nested_model(), "sequence": sequence_model()}
for name, model in models.items():
    for variable in model.variables:
        if "seed" not in variable.path and len(variable.shape) == 1: # no zeros and ones: everything has to arrive
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    x = random.uniform(0, 1, (3, *model.input_shape[1:])).astype(np.float32)
    np.save("%s/%s_x.npy" % (folder, name), x)
    np.save("%s/%s_y.npy" % (folder, name), np.asarray(model(x, training=False)))
    options = keras_to_onnx.export(model, "%s/%s.onnx" % (folder, name))
    print(name, "exported", options)

nested = models["nested"]
names = [name for name in keras_to_onnx._names(nested).values()]
print("names", *names)
values = {name: random.uniform(0, 1, variable.shape).astype(np.float32) for name, variable in zip(names, nested.variables)}
safetensors.numpy.save_file(values, folder + "/values.safetensors")
keras_to_onnx.load(folder + "/values.safetensors", nested)
print("loaded", all(np.array_equal(keras.ops.convert_to_numpy(variable), values[name])
                    for name, variable in zip(names, nested.variables)))

image = models["image"]
image.layers[3].trainable = image.layers[-1].trainable = False
print("frozen", keras_to_onnx.export(image, folder + "/frozen.onnx"))
image.save(folder + "/image.keras")

for wrong in (keras.Sequential([layers.Dense(2)]),
              keras.Sequential([keras.Input((4, 3)), layers.LSTM(2, name="memory")]),
              keras.Sequential([keras.Input((4,)), layers.Dense(2, activation="softsign", name="odd")])):
    try:
        keras_to_onnx.export(wrong, folder + "/wrong.onnx")
    except ValueError as error:
        print("refused:", error)
print("left behind:", os.path.exists(folder + "/wrong.onnx"))
