"""wrong_uses.py FOLDER: every wrong use of the table ends in one sentence, exit status 1, and no file that is new, gone
or another than before; what `bnc` would have written is there before. Prints what does not hold."""
import os
import subprocess
import sys

import numpy as np
import onnx
import safetensors.numpy
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
random = np.random.RandomState(0)


def batch_norm(source, result, name="bn"):
    return helper.make_node("BatchNormalization", [source] + [name + suffix for suffix in (".weight", ".bias", ".running_mean", ".running_var")],
                            [result], name=name)


def statistics(channels, name="bn"):
    return {name + ".weight": np.ones(channels), name + ".bias": np.zeros(channels), name + ".running_mean": np.zeros(channels),
            name + ".running_var": np.ones(channels)}


def save(name, nodes, sample, outputs, values):
    tensor = lambda label, shape: helper.make_tensor_value_info(label, TensorProto.FLOAT, ["N"] + shape)
    graph = helper.make_graph(nodes, name, [tensor("x", sample)], [tensor(label, shape) for label, shape in outputs.items()],
                              [numpy_helper.from_array(value.astype(np.float32), label) for label, value in values.items()])
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), os.path.join(folder, name + ".onnx"))


def dense(source, result, weight):
    return helper.make_node("Gemm", [source, weight], [result], name=weight.partition(".")[0])


def relu(source, result):
    return helper.make_node("Relu", [source], [result], name="relu")


weights = lambda *shape: random.standard_normal(shape)
net = [dense("x", "a", "fc1.weight"), batch_norm("a", "b"), relu("b", "c")]
save("net", net + [dense("c", "y", "fc2.weight")], [4], {"y": [3]}, {"fc1.weight": weights(4, 5), "fc2.weight": weights(5, 3), **statistics(5)})
save("two_outputs", net, [4], {"b": [5], "c": [5]}, {"fc1.weight": weights(4, 5), **statistics(5)})
image = [helper.make_node("Conv", ["x", "conv.weight"], ["a"], name="conv"), batch_norm("a", "b")]
save("image_output", image, [1, 6, 6], {"b": [4, 4, 4]}, {"conv.weight": weights(4, 1, 3, 3), **statistics(4)})
save("one_pixel", image + [helper.make_node("Flatten", ["b"], ["y"], name="flat")], [1, 3, 3], {"y": [4]},
     {"conv.weight": weights(4, 1, 3, 3), **statistics(4)})
save("one_class", [dense("x", "y", "fc.weight")], [4], {"y": [1]}, {"fc.weight": weights(4, 1)})
save("no_parameters", [relu("x", "y")], [4], {"y": [4]}, {})
arrays = {
    "x": random.standard_normal((9, 4)).astype(np.float32), "y": random.randint(0, 3, 9), "pixels": random.standard_normal((9, 1, 3, 3)).astype(np.float32),
    "wide": np.zeros((9, 6), np.float32), "rows": np.eye(3, dtype=np.float32)[random.randint(0, 3, 9)], "far": np.full(9, 3), "few": np.zeros(8, np.int64),
    "halves": np.full(9, 0.5, np.float32), "huge": np.full((9, 4), 3e38, np.float32), "none": np.zeros((0, 4), np.float32),
}
arrays["nan"] = arrays["x"].copy()
arrays["nan"][2, 1] = np.nan
for name, array in arrays.items():
    np.save(os.path.join(folder, name + ".npy"), array)


def bnc(*arguments):
    return subprocess.run(["bnc", *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def prepare(*arguments):
    done = bnc(*arguments)
    if done.returncode:
        sys.exit("%s failed: %s" % (" ".join(arguments), done.stderr))


data = ["--data", "x.npy", "--labels", "y.npy"]
prepare("train", "net.onnx", *data, "--steps=2", "--optimizer=adam", "-o", "adam.safetensors", "--metrics", "kept.csv", "--curve", "kept.svg")
prepare("train", "net.onnx", *data, "--steps=2", "--optimizer=adam", "--trainable=^fc", "-o", "part.safetensors")
safetensors.numpy.save_file({"fc.weight": np.zeros((4, 1), np.float32)}, os.path.join(folder, "other.safetensors"))
prepare("init", "net.onnx", "-o", "kept.safetensors")
prepare("init", "two_outputs.onnx", "-o", "any.safetensors") # no loss would fit, none is needed
prepare("compile", "net.onnx", "-o", "kept")
fat = safetensors.numpy.load_file(os.path.join(folder, "kept.safetensors"))
fat["bn.weight"] = np.ones(6, np.float32)
safetensors.numpy.save_file(fat, os.path.join(folder, "fat.safetensors"))
with open(os.path.join(folder, "adam.safetensors"), "rb") as whole, open(os.path.join(folder, "cut.safetensors"), "wb") as cut:
    cut.write(whole.read()[:-1])

results = ["-o", "kept.safetensors", "--metrics", "kept.csv", "--curve", "kept.svg"]
train = ["train", "net.onnx", *data, "--steps=1", *results]
another = lambda what, *rest: ["train", what, "--steps=1", *results, *rest]
build = lambda model, *options: ["compile", model + ".onnx", "-o", "kept", "--name=net", *options]
calibrate = ["calibrate", "net.onnx", "-o", "kept.safetensors"]
alone = "take the variables alone (bnc_train_load_variables, bnc train --fresh-optimizer)"

# Wrong use, what is said.
TABLE = [
    # Options of the optimizer.
    (train + ["--optimizer=adadelta"], "option '--optimizer': expected sgd, adam, adamw, rmsprop or adagrad, then perhaps ':' and settings, found 'adadelta'"),
    (train + ["--optimizer=sgd:momentun=0.9"], "option '--optimizer': expected settings of sgd (lr, momentum, dampening, weight-decay, clip-norm, nesterov, flavor), not 'momentun', found 'sgd:momentun=0.9'"),
    (train + ["--optimizer=sgd:"], "option '--optimizer': expected settings of sgd (lr, momentum, dampening, weight-decay, clip-norm, nesterov, flavor), not '', found 'sgd:'"),
    (train + ["--optimizer=sgd:lr=0.1,lr=0.2"], "option '--optimizer': expected each setting of sgd once, not 'lr' twice, found 'sgd:lr=0.1,lr=0.2'"),
    (train + ["--optimizer=adam:flavor=keras,flavor=optax"], "option '--optimizer': expected one flavor, found 'adam:flavor=keras,flavor=optax'"),
    (train + ["--optimizer=adam:lr=nan"], "option '--optimizer': expected a number of at least 0 for lr, found 'adam:lr=nan'"),
    (train + ["--optimizer=rmsprop:alpha=1"], "option '--optimizer': expected a number of at least 0 and less than 1 for alpha, found 'rmsprop:alpha=1'"),
    # Regular expressions that find nothing, or are none.
    (train + ["--trainable=bn.scale"], "net.onnx: trainable=bn.scale matches none of the 4 parameters, which 'bnc inspect' lists; there would be nothing to train"),
    (train + ["--trainable=running_mean"], "net.onnx: trainable=running_mean matches none of the 4 parameters, which 'bnc inspect' lists; there would be nothing to train"),
    (train + ["--freeze=bn2"], "net.onnx: freeze=bn2 matches none of the 1 batch normalizations; it is searched in names of nodes and variables, which 'bnc inspect --operations' lists"),
    (train + ["--no-weight-decay=norm"], "net.onnx: no-weight-decay=norm matches none of the 4 parameters that are trained, which 'bnc inspect' lists"),
    (train + ["--trainable=^fc", "--optimizer=adamw", "--no-weight-decay=^bn"], "net.onnx: no-weight-decay=^bn matches none of the 2 parameters that are trained, which 'bnc inspect' lists"),
    (train + ["--optimizer=sgd:flavor=optax", "--no-weight-decay=bias"], "net.onnx: optimizer sgd:flavor=optax has no weight decay from which no-weight-decay=bias could except parameters"),
    (train + ["--trainable=("], "net.onnx: trainable=( is no regular expression: parentheses not balanced"),
    (train + ["--freeze=["], "net.onnx: freeze=[ is no regular expression: brackets ([ ]) not balanced"),
    (build("net", "--freeze=bn2"), "net.onnx: freeze=bn2 matches none of the 1 batch normalizations; it is searched in names of nodes and variables, which 'bnc inspect --operations' lists"),
    # Nothing to train.
    (train + ["--freeze=bn", "--trainable=^$"], "net.onnx: trainable=^$ matches none of the 4 parameters, which 'bnc inspect' lists; there would be nothing to train"),
    (another("no_parameters.onnx", "--data", "x.npy", "--labels", "y.npy"), "no_parameters.onnx: graph: reads no trainable parameter; there is nothing to train: compile it with phase=infer"),
    (build("no_parameters"), "no_parameters.onnx: graph: reads no trainable parameter; there is nothing to train: compile it with phase=infer"),
    # Losses, outputs, labels.
    (train + ["--loss=softmax-cross-entropy:label-smoothing=1"], "option '--loss': expected a number of at least 0 and less than 1 for label-smoothing, found 'softmax-cross-entropy:label-smoothing=1'"),
    (train + ["--loss=softmax-cross-entropy:label-smoothing=-0.1"], "option '--loss': expected a number of at least 0 and less than 1 for label-smoothing, found 'softmax-cross-entropy:label-smoothing=-0.1'"),
    (train + ["--loss=mse:label-smoothing=0.1"], "option '--loss': expected mse without settings; label-smoothing and labels belong to softmax-cross-entropy, found 'mse:label-smoothing=0.1'"),
    (build("two_outputs"), "two_outputs.onnx: graph: has 2 outputs; training needs exactly one, which the loss is of, or loss=custom, where the program gives the gradient of each"),
    (build("image_output"), "image_output.onnx: graph: has the output 'b' of type 'tensor<?x4x4x4xf32>'; softmax_cross_entropy needs (N, classes), other losses take any shape"),
    (build("one_class"), "one_class.onnx: graph: has the output 'y' of type 'tensor<?x1xf32>', a single class; use bce_with_logits or mse"),
    (train + ["--loss=custom"], "net.onnx: the loss is the program's own (--loss=custom), so only a program that links the model can compute it; choose another --loss"),
    (train + ["--loss=mse"], "'y.npy': labels have shape (9), expected 3 numbers per sample, as many as the model's output has; class numbers are for --loss=softmax-cross-entropy"),
    (another("net.onnx", "--data", "x.npy", "--labels", "rows.npy"), "'rows.npy': labels have shape (9, 3), expected one class number per sample; this looks like one-hot rows: store their argmax"),
    (another("net.onnx", "--data", "x.npy", "--labels", "far.npy"), "'far.npy': label 3 of sample 0 is no class of the model; expected a whole number from 0 to 2"),
    (another("net.onnx", "--data", "x.npy", "--labels", "halves.npy"), "'halves.npy': label 0.5 of sample 0 is no class of the model; expected a whole number from 0 to 2"),
    (another("net.onnx", "--data", "x.npy", "--labels", "few.npy"), "'few.npy' holds 8 labels, but 'x.npy' holds 9 samples; expected one label per sample"),
    # Going on from what belongs to something else.
    (train + ["--weights=adam.safetensors"], "adam.safetensors: holds the state of the optimizer 'adam', but model 'net' was compiled with 'sgd': use the same optimizer, or " + alone),
    (train + ["--weights=adam.safetensors", "--optimizer=adam:flavor=optax"], "adam.safetensors: holds the state of the optimizer 'adam', but model 'net' was compiled with 'adam:flavor=optax': use the same optimizer, or " + alone),
    (train + ["--weights=part.safetensors", "--optimizer=adam"], "part.safetensors: holds no optimizer state 'first_moment' of variable 'bn.weight': other parameters were trained; train the same ones, or " + alone),
    (train + ["--weights=other.safetensors"], "other.safetensors: 6 of the 6 variables of model 'net' are missing, 'fc1.weight' first: give a file that was saved from this model"),
    (train + ["--weights=fat.safetensors"], "fat.safetensors: 'bn.weight' has shape [6], the model expects [5]: the file belongs to another model"),
    (train + ["--weights=cut.safetensors"], "cut.safetensors: byte 1243 of its header is wrong, expected data_offsets inside the file"),
    (train + ["--weights=missing.safetensors"], "no weights file 'missing.safetensors'"),
    (train + ["--weights=kept.safetensors", "--init=xavier-normal"], "--init and --weights exclude each other; give one of them"),
    (build("net", "--weights=other.safetensors"), "'other.safetensors' has no tensor 'fc1.weight', which the model needs; give a file that was saved from this model"),
    (build("net", "--weights=fat.safetensors"), "'fat.safetensors': tensor 'bn.weight' has shape (6), but the model expects (5); give a file that was saved from this model"),
    (calibrate + ["--data=x.npy", "--weights=other.safetensors"], "other.safetensors: 6 of the 6 variables of model 'net' are missing, 'fc1.weight' first: give a file that was saved from this model"),
    # Data and batches.
    (train + ["--batch=10"], "'x.npy' holds 9 samples, fewer than --batch=10; give at most that many"),
    (train + ["--batch=1"], "node 'bn' (batch_norm) normalizes a single value per sample and needs batches of at least 2, but 9 samples in batches of 1 leave one of 1; choose another --batch"),
    (["train", "net.onnx", *data, "--epochs=1", "--batch=4", *results], "node 'bn' (batch_norm) normalizes a single value per sample and needs batches of at least 2, but 9 samples in batches of 4 leave one of 1; choose another --batch"),
    (build("one_pixel", "--batch=1"), "one_pixel.onnx: node 'bn' (batch_norm): has a single value per channel in 'tensor<1x4x1x1xf32>', which has no variance; training needs a larger batch, or freeze the op"),
    (another("one_pixel.onnx", "--data", "pixels.npy", "--labels", "y.npy", "--batch=1"), "node 'bn' (batch_norm) normalizes a single value per sample and needs batches of at least 2, but 9 samples in batches of 1 leave one of 1; choose another --batch"),
    (calibrate + ["--data=x.npy", "--batch=8"], "node 'bn' (batch_norm) normalizes a single value per sample and needs batches of at least 2, but 9 samples in batches of 8 leave one of 1; choose another --batch"),
    (another("net.onnx", "--data", "wide.npy", "--labels", "y.npy"), "'wide.npy': each sample has shape (6), but input 'x' of the model expects (4)"),
    (another("net.onnx", "--data", "none.npy", "--labels", "y.npy"), "'none.npy' holds no samples; expected an array whose first dimension counts them"),
    (another("net.onnx", "--data", "nan.npy", "--labels", "y.npy"), "'nan.npy': sample 2 holds NaN (element 1 of the sample); remove or repair that sample"),
    (calibrate + ["--data=huge.npy"], "step 1: a batch statistic is not finite, though inputs and variables are finite: lower the learning rate or scale the inputs; nothing was updated"),
    (calibrate + ["--data=nan.npy"], "'nan.npy': sample 2 holds NaN (element 1 of the sample); remove or repair that sample"),
    (["train", "net.onnx", "--data", "huge.npy", "--labels", "y.npy", "--steps=1", "-o", "kept.safetensors"], "step 1: 'bn.running_mean' or the variance beside it would not be finite, though inputs and variables are finite: lower the learning rate or scale the inputs; nothing was updated"),
    # Numbers of batch normalizations.
    (train + ["--bn-decay=1.5"], "option '--bn-decay': expected a number from 0 to 1, or 'cumulative', found '1.5'"),
    (train + ["--bn-epsilon=-1"], "option '--bn-epsilon': expected a number of at least 0, found '-1'"),
    # Results that would replace what is read, or cannot be written.
    (["train", "net.onnx", *data, "--steps=1", "-o", "net.onnx"], "cannot write 'net.onnx': it is the model; choose another file for the output"),
    (["train", "net.onnx", *data, "--steps=1", "-o", "kept.safetensors", "--metrics", "y.npy"], "cannot write 'y.npy': it holds the data; choose another file for the output"),
    (["init", "net.onnx", "-o", "net.onnx"], "cannot write 'net.onnx': it is the model; choose another file for the output"),
    (["run", "net.onnx", "--input=x=x.npy", "--output=x.npy"], "cannot write 'x.npy': it holds the data; choose another file for the output"),
    (["calibrate", "net.onnx", "--data=x.npy", "-o", "./x.npy"], "cannot write './x.npy': it holds the data; choose another file for the output"),
    (["train", "net.onnx", *data, "--steps=1", "-o", "kept"], "cannot write 'kept': it is a folder"),
    (["train", "net.onnx", *data, "--steps=1", "-o", "missing/w.safetensors"], "cannot write 'missing/w.safetensors': folder 'missing' does not exist"),
]


def contents():
    found = {}
    for place, _, files in os.walk(folder):
        for file in files:
            with open(os.path.join(place, file), "rb") as opened:
                found[os.path.relpath(os.path.join(place, file), folder)] = opened.read()
    return found


wrong = 0
before = contents()
for arguments, sentence in TABLE:
    done = bnc(*arguments)
    after = contents()
    complaints = []
    if done.returncode != 1:
        complaints.append("exit status %d" % done.returncode)
    if done.stderr != "error: %s\n" % sentence:
        complaints.append("said:     %sexpected: error: %s" % (done.stderr, sentence))
    if done.stdout:
        complaints.append("printed: " + done.stdout)
    changed = sorted(file for file in set(before) | set(after) if before.get(file) != after.get(file))
    if changed:
        complaints.append("changed: " + ", ".join(changed))
    if complaints:
        wrong += 1
        print("bnc", *arguments)
        print(*("  " + complaint for complaint in complaints), sep="\n")
    before = after
print("%d wrong uses, %d of them not refused as they should be" % (len(TABLE), wrong))
