//===- CommandLine.cpp - the verbs as tables ------------------------------------------------===//

#include "compiler/Driver/CommandLine.h"

#include "compiler/Driver/MlirFlags.h"
#include "compiler/Driver/OptionTable.h"
#include "compiler/Driver/Verbs.h"
#include "compiler/Support/Version.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/InitLLVM.h"

#include <csignal>

using namespace llvm;
using namespace bnc;

//===-- Options that verbs share --------------------------------------------------------===//

static Option choice(std::string name, std::string metavar, std::string help, std::vector<std::string> values,
                     std::function<void(size_t)> store) {
  Option option{std::move(name), 0, std::move(metavar), std::move(help), setChoice(std::move(store), values)};
  option.values = std::move(values);
  return option;
}

static Option batchOption(CompileOptions &compile) {
  return {"batch", 0, "N|dynamic",
          "Samples per call. A number is compiled in; 'dynamic' lets every call choose. Default: as the model has it.",
          [&compile](StringRef value) -> std::string {
            int64_t number;
            if (value == "dynamic")
              compile.batch = mlir::ShapedType::kDynamic;
            else if (value.getAsInteger(10, number) || number < 1)
              return "a whole number of at least 1, or 'dynamic'";
            else
              compile.batch = number;
            return "";
          }};
}

static Option optimizerOption(CompileOptions &compile) {
  return {"optimizer", 0, "NAME[:SETTINGS]",
          "sgd, adam, adamw, rmsprop or adagrad, with settings such as sgd:lr=0.1,momentum=0.9,nesterov or "
          "rmsprop:flavor=keras,centered. flavor=pytorch (the default), optax or keras chooses whose formulas and default "
          "numbers; clip-norm=N limits the norm of all gradients together. What is computed is compiled in; its numbers "
          "can be changed by the program. Default: sgd:lr=0.01.",
          [&compile](StringRef value) { return compile.optimizer.parse(value); }};
}

static Option lossOption(CompileOptions &compile) {
  Option option{"loss", 0, "LOSS[:SETTINGS]",
                "What training minimizes: softmax-cross-entropy (the default), mse, or bce-with-logits; custom: the "
                "program's own, which gives the gradients of the outputs. Labels are class numbers; with "
                "softmax-cross-entropy:labels=probabilities, with mse and with bce-with-logits they are floats. "
                "softmax-cross-entropy:label-smoothing=0.1 spreads that share of a label over the classes.",
                [&compile](StringRef value) { return compile.loss.parse(value); }};
  option.values = LossSpec::names();
  return option;
}

static Option epsilonOption(CompileOptions &compile) {
  return {"bn-epsilon", 0, "E",
          "What every batch normalization adds to the variance, in training and inference. Default: as the model has it.",
          setNumber(compile.bnEpsilon, 0)};
}

static OptionGroup trainingGroup(CompileOptions &compile) {
  return {
      "Training",
      {lossOption(compile),
       optimizerOption(compile),
       {"no-weight-decay", 0, "REGEX", "Leave the parameters whose name this regular expression finds out of the weight decay.",
        setString(compile.noWeightDecay)},
       {"trainable", 0, "REGEX", "Train only the parameters whose name this regular expression finds.",
        setString(compile.trainable)},
       {"freeze", 0, "REGEX",
        "Batch normalizations (by the name of the node or of a variable) that use their running statistics in "
        "training too, and leave them alone.",
        setString(compile.freeze)},
       choice("running-variance", "KIND",
              "How training estimates the running variance: 'population' divides by m (ONNX, Keras, Flax), 'sample' "
              "by m-1 (PyTorch). Default: what the model file says or its producer does.",
              {"population", "sample"},
              [&compile](size_t index) { compile.runningVariance = static_cast<RunningVariance>(index); }),
       {"bn-decay", 0, "D|cumulative",
        "Fraction of its old value that a running statistic keeps at every step, for every batch normalization "
        "(PyTorch's momentum is 1 - D); 'cumulative' is the plain average of all steps (PyTorch's momentum=None). "
        "Default: as the model has it.",
        [&compile](StringRef value) -> std::string {
          compile.bnCumulative = value == "cumulative";
          if (compile.bnCumulative)
            return "";
          return value.getAsDouble(compile.bnDecay) || !(compile.bnDecay >= 0 && compile.bnDecay <= 1)
                     ? "a number from 0 to 1, or 'cumulative'"
                     : "";
        }},
       epsilonOption(compile)}};
}

static Option foldOption(CompileOptions &compile) {
  return choice("fold", "MODE",
                "'on' folds batch normalizations into weights wherever that is exact (the default), 'off' folds none, "
                "'strict' fails if one is neither folded nor carried by a neighbour's kernel.",
                {"on", "strict", "off"}, [&compile](size_t index) {
                  constexpr FoldMode modes[] = {FoldMode::On, FoldMode::Strict, FoldMode::Off};
                  compile.fold = modes[index];
                });
}

static Option targetOption(CompileOptions &compile) {
  std::vector<std::string> names;
  for (StringRef name : targetNames())
    names.push_back(name.str());
  std::string all = join(names, ", ");
  return choice("target", "TARGET", "Processor to compile for: " + all + ". Default: host, this machine.", names,
                [&compile, names](size_t index) { compile.target = names[index]; });
}

static Option mathOption(CompileOptions &compile) {
  return choice("math", "MODE",
                "'fast' computes 3x3 convolutions by Winograd's algorithm where that takes less time (the default; in inference "
                "rounding errors are a few times larger), 'direct' never does.",
                {"fast", "direct"}, [&compile](size_t index) { compile.directMath = index == 1; });
}

static std::vector<Option> reportOptions(CompileOptions &compile) {
  return {{"dump-dir", 0, "DIR", "Write the text of every phase that is passed to DIR/NAME.PHASE.mlir.",
           setString(compile.dumpDir)},
          {"remarks", 0, "", "Say what was decided: where each batch normalization went, what was dropped, and why; what each convolution is "
           "computed by, the cycles estimated for that and for its alternatives, and what a task covers.",
           setFlag(compile.remarks)}};
}

static OptionGroup compilerGroup(CompileOptions &compile) {
  OptionGroup group{
      "Compiler",
      {{"jobs", 'j', "N", "Kernels compiled at a time. Default: one per processor.", setInteger(compile.jobs, 1)},
       {"no-cache", 0, "", "Compile everything again, and keep nothing for the next time.",
        setFlag(compile.useCache, false)}}};
  append_range(group.options, reportOptions(compile));
  return group;
}

static OptionGroup executionGroup(ExecutionOptions &execution, std::string batchHelp) {
  return {"Execution",
          {{"weights", 'w', "FILE", "A .safetensors file to start from. Default: the values in the model file.",
            setString(execution.weights)},
           {"batch", 0, "N", std::move(batchHelp), setInteger(execution.batch, 1)},
           {"threads", 0, "N", "Threads to use. Default: what this process may use. Results do not depend on it.",
            setInteger(execution.threads, 1)}}};
}

static OptionGroup inputGroup(InputOptions &inputs, std::vector<double> &mean, std::vector<double> &deviation) {
  return {
      "Input",
      {{"input-layout", 0, "[INPUT=]LAYOUT",
        "Where the channels of a sample are: nchw, as in the model file (the default), or nhwc, last. Of all inputs with "
        "pixels, or of the one that is named. Outputs stay as they are.",
        appendString(inputs.layouts)},
       {"input-type", 0, "[INPUT=]TYPE",
        "f32 (the default), or u8: bytes, which the first kernels convert where they load them. Of all inputs, or of the "
        "one that is named.",
        appendString(inputs.types)},
       {"mean", 0, "X[,X...]",
        "Subtracted from every value, one number or one per channel. Bytes are divided by 255 first.",
        setNumbers(mean)},
       {"std", 0, "X[,X...]", "Every value is divided by it after the mean is gone, one number or one per channel.",
        [&deviation](StringRef value) -> std::string {
          std::string expected = setNumbers(deviation)(value);
          if (expected.empty() && any_of(deviation, [](double x) { return x <= 0; }))
            return "numbers greater than 0";
          return expected;
        }}}};
}

/// For verbs that read data: see compileInputs.
static OptionGroup inputGroup(CompileOptions &compile, Preprocessing &preprocessing) {
  return inputGroup(compile.inputs, preprocessing.mean, preprocessing.deviation);
}

static const char *const kFormats = "Formats: .npy, .npz (FILE.npz:ARRAY where it holds several) and IDX, also "
                                    "gzipped.";

static std::vector<Option> dataOptions(DataOptions &data, bool labels, std::string prefix, std::string what) {
  std::vector<Option> options{{prefix + "data", 'd', "[INPUT=]FILE",
                               what + ", first dimension: samples. Once per input of the model. " + kFormats,
                               appendString(data.data)}};
  if (!prefix.empty())
    options[0].letter = 0;
  if (labels)
    options.push_back({prefix + "labels", 0, "FILE",
                       "Their labels: class numbers, or float targets for mse and bce-with-logits.",
                       setString(data.labels)});
  return options;
}

static Option initOption(std::optional<bnc_init> &init, std::string help) {
  return choice("init", "METHOD", std::move(help),
                {"xavier-uniform", "xavier-normal", "kaiming-uniform", "kaiming-normal"},
                [&init](size_t index) { init = static_cast<bnc_init>(index); });
}

static Option outputOption(std::string metavar, std::string help, std::string &target) {
  return {"output", 'o', std::move(metavar), std::move(help), setString(target)};
}

static Option partOption(CompileOptions &compile) {
  return choice("phase", "PART", "Both training and inference (the default), or only 'train' or 'infer'.",
                {"both", "train", "infer"}, [&compile](size_t index) { compile.part = static_cast<Part>(index); });
}

//===-- Verbs ----------------------------------------------------------------------------===//

static Verb compileVerb(CompileCommand &command) {
  Verb verb{"compile", "MODEL", "makes a library, a C header and a weights file from a model",
            "Compiles MODEL into a training step (forward with batch statistics, backward, optimizer, running "
            "averages), an inference graph with every batch normalization folded away where that is exact, and the "
            "step that carries trained values from the one into the other. Writes DIR/NAME.h, DIR/libNAME.a, "
            "DIR/NAME.safetensors and DIR/NOTICE; a program links libNAME.a and libbnc_runtime.a."};
  CompileOptions &compile = command.compile;
  std::string phases;
  for (const PhaseInfo &info : allPhases())
    phases += (phases.empty() ? "" : "; ") + info.name.str() + ": " + info.description.str();
  verb.groups = {
      {"Output",
       {outputOption("DIR",
                     "Folder for the results, made if need be. Default: the current one. With --compile-to, '-' "
                     "(the default then) prints to stdout.",
                     command.output),
        {"name", 0, "NAME", "Prefix of the C functions and files, made a C identifier. Default: the model file's name.",
         setString(compile.name)},
        {"weights", 'w', "FILE",
         "A .safetensors file whose values go into DIR/NAME.safetensors in place of the model's.",
         setString(command.weights)},
        choice("compile-to", "PHASE",
               "Stop after a phase and write its text, which bnc can compile further. " + phases + ".", phaseNames(),
               [&command](size_t index) { command.compileTo = allPhases()[index].phase; }),
        {"embed-weights", 0, "",
         "Put the values into the library instead of DIR/NAME.safetensors: folded and packed for inference, which then "
         "reads them where they lie, and as they are for training, which starts from them. --phase=infer leaves the "
         "latter out.",
         setFlag(command.embedWeights)},
        {"depfile", 0, "FILE", "Write a rule for make or ninja that names every file the library was made from.",
         setString(command.depfile)}}},
      {"Model",
       {batchOption(compile), targetOption(compile), partOption(compile), foldOption(compile), mathOption(compile),
        {"threads", 0, "N",
         "Threads that inference of a single image should keep busy: layers are cut into as many parts. It runs with any "
         "number, with the same results. Default: 8.",
         setInteger(compile.threads, 1)}}},
      inputGroup(compile.inputs, compile.inputs.mean, compile.inputs.deviation),
      trainingGroup(compile),
      compilerGroup(compile)};
  verb.examples = {"bnc compile resnet18.onnx -o out --optimizer=sgd:lr=0.1,momentum=0.9",
                   "bnc compile resnet18.onnx -o out --phase=infer --target=x86-64-v3",
                   "bnc compile resnet18.onnx --compile-to=inference --remarks"};
  verb.setOperand = [&](StringRef model) { compile.model = model.str(); };
  verb.run = [&] { return runCompile(command); };
  return verb;
}

static Verb inspectVerb(InspectCommand &command) {
  Verb verb{
      "inspect", "MODEL", "shows variables, shapes, work and memory, and what folds",
      "Shows what is in MODEL: inputs and outputs, its variables by collection, how much each operation computes, "
      "where each batch normalization goes in inference, and how much memory training and inference need."};
  verb.groups = {
      {"Model",
       {batchOption(command.compile),
        targetOption(command.compile),
        foldOption(command.compile),
        {"operations", 0, "", "List every operation instead of sums by kind.", setFlag(command.operations)}}},
      trainingGroup(command.compile)};
  verb.examples = {"bnc inspect resnet18.onnx", "bnc inspect resnet18.onnx --operations"};
  verb.setOperand = [&](StringRef model) { command.compile.model = model.str(); };
  verb.run = [&] { return runInspect(command); };
  return verb;
}

static Verb initVerb(InitCommand &command) {
  Verb verb{"init", "MODEL", "writes fresh weights and statistics",
            "Writes a weights file for MODEL with fresh values: weights drawn by the method of --init, biases and "
            "offsets 0, scales 1, running means 0, running variances 1. The same seed gives the same bits everywhere."};
  command.execution.init = BNC_INIT_XAVIER_UNIFORM;
  verb.groups = {
      {"Values",
       {outputOption("FILE", "The .safetensors file to write.", command.output),
        initOption(command.execution.init, "How weights are drawn: xavier-uniform (the default), xavier-normal, "
                                           "kaiming-uniform or kaiming-normal."),
        {"seed", 0, "N", "Number that the values follow from. Default: 0.", setUnsigned(command.execution.seed)}}},
      {"Compiler", reportOptions(command.compile)}};
  verb.examples = {"bnc init lenet.onnx -o start.safetensors --seed=7 --init=kaiming-normal"};
  verb.setOperand = [&](StringRef model) { command.compile.model = model.str(); };
  verb.run = [&] { return runInit(command); };
  return verb;
}

static Verb runVerb(RunCommand &command) {
  Verb verb{"run", "MODEL", "inference on arrays from files",
            "Runs inference of MODEL, batch normalizations folded, on samples from files. The model is compiled behind "
            "the scenes and kept in a cache; no C compiler is needed."};
  verb.groups = {
      {"Data",
       {{"input", 'i', "[NAME=]FILE",
         std::string("Samples for an input of the model, first dimension: samples. Once per input. ") + kFormats,
         appendString(command.inputs)},
        {"output", 'o', "[NAME=]FILE.npy", "Where to write an output of the model.", appendString(command.outputs)},
        {"expect", 0, "[NAME=]FILE.npy", "Fail if the output differs from this array.", appendString(command.expected)},
        {"tolerance", 0, "T", "Largest difference from --expect, as a share of its largest element. Default: 1e-5.",
         setNumber(command.tolerance, 0)}}},
      inputGroup(command.compile, command.preprocessing),
      executionGroup(command.execution, "Samples per call. Default: at most 64."),
      {"Model", {targetOption(command.compile), mathOption(command.compile), foldOption(command.compile), epsilonOption(command.compile)}},
      compilerGroup(command.compile)};
  verb.examples = {"bnc run lenet.onnx --input images.npy --output logits.npy",
                   "bnc run lenet.onnx --weights trained.safetensors --input images.npy --expect logits.npy"};
  verb.setOperand = [&](StringRef model) { command.compile.model = model.str(); };
  verb.run = [&] {
    compileInputs(command.compile, command.preprocessing);
    return runRun(command);
  };
  return verb;
}

static Verb trainVerb(TrainCommand &command) {
  Verb verb{"train", "MODEL", "trains a model with its compiled training step",
            "Trains MODEL on samples and labels from files with the training step that 'bnc compile' puts into the "
            "library, and writes the values to a weights file. Samples are taken in file order unless --shuffle is "
            "given. The weights file is rewritten at every checkpoint and is always complete; Ctrl-C stops after the "
            "current step and saves, and the same command with --resume goes on from there."};
  std::vector<Option> data = dataOptions(command.training, true, "", "Training samples");
  append_range(data,
               dataOptions(command.test, true, "test-", "Samples to measure loss and accuracy on after each epoch"));
  OptionGroup execution =
      executionGroup(command.execution, "Samples per step; the last batch of an epoch may be smaller. "
                                        "Default: 32.");
  execution.options.insert(execution.options.begin() + 1,
                           initOption(command.execution.init,
                                      "Start from fresh values instead, drawn by xavier-uniform, "
                                      "xavier-normal, kaiming-uniform or kaiming-normal."));
  execution.options.insert(execution.options.begin() + 1,
                           {"fresh-optimizer", 0, "", "Take the variables of --weights alone. Without it, training goes on "
                                                      "bit for bit where it stopped: the optimizer's state, and the place in the data.",
                            setFlag(command.freshOptimizer)});
  execution.options.push_back({"seed", 0, "N",
                               "Number that fresh values, --shuffle and dropout follow from. Default: 0.",
                               setUnsigned(command.execution.seed)});
  verb.groups = {
      {"Data", data},
      inputGroup(command.compile, command.preprocessing),
      {"Length and order",
       {{"epochs", 0, "N", "Passes over the data.", setInteger(command.epochs, 1)},
        {"steps", 0, "N", "Steps in all, instead of --epochs.", setInteger(command.steps, 1)},
        {"accumulate", 0, "K", "A step takes the gradients of K batches, one after the other. Default: 1.",
         setInteger(command.accumulate, 1)},
        {"shuffle", 0, "", "Take the samples in another random order in each epoch.", setFlag(command.shuffle)},
        {"resume", 0, "",
         "Go on from -o FILE if it exists, bit for bit as if there had been no stop; --epochs and --steps then count "
         "from the very start, with what the weights file has behind it.",
         setFlag(command.resume)},
        {"early-stop", 0, "N", "Stop when N epochs have not made the test loss any smaller.",
         setInteger(command.earlyStop, 1)}}},
      {"Learning rate",
       {{"lr-schedule", 0, "NAME[:SETTINGS]",
         "How the learning rate of the optimizer, the largest, is used: constant (the default), step, cosine or "
         "one-cycle; all but the last with warm-up=500 or warm-up=5epochs, a rise from start=0 (a share of the rate). "
         "step:every=30epochs,factor=0.1 multiplies it again and again; cosine:final=0.01 goes down to that share at "
         "the end; one-cycle:rise=0.3,start=0.04,final=4e-6 goes up first.",
         [&command](StringRef value) { return command.schedule.parse(value); },
         LearningRateSchedule::names()}}},
      {"Results",
       {outputOption("FILE", "The .safetensors file for the trained values.", command.output),
        {"best", 0, "FILE", "Keep the values that had the smallest test loss in this .safetensors file.",
         setString(command.best)},
        {"checkpoint-every", 0, "N[epochs]",
         "Write the weights file every N steps or epochs, and at the end. Default: 1epoch.",
         [&command](StringRef value) { return command.checkpointEvery.parse(value, 1); }},
        {"checkpoints", 0, "DIR", "Keep every checkpoint as DIR/NAME-STEP.safetensors too.",
         setString(command.checkpoints)},
        {"metrics", 0, "FILE.csv", "Write loss, accuracy, learning rate and gradient norm of every step.",
         setString(command.metrics)},
        {"tensorboard", 0, "DIR", "Write the same for TensorBoard, into a new event file.",
         setString(command.tensorBoard)},
        {"curve", 0, "FILE.svg", "Draw the learning curve.", setString(command.curve)}}},
      execution,
      trainingGroup(command.compile),
      compilerGroup(command.compile)};
  verb.groups.back().options.push_back(targetOption(command.compile));
  verb.examples = {"bnc train lenet.onnx --data images.npy --labels labels.npy --batch=256 --epochs=10 --shuffle \\",
                   "    --optimizer=sgd:lr=0.1,momentum=0.9 --metrics=run.csv --curve=run.svg -o trained.safetensors"};
  verb.setOperand = [&](StringRef model) { command.compile.model = model.str(); };
  verb.run = [&] {
    compileInputs(command.compile, command.preprocessing);
    return runTrain(command);
  };
  return verb;
}

static Verb evaluateVerb(EvaluateCommand &command) {
  Verb verb{"evaluate", "MODEL", "loss and accuracy on a data set",
            "Computes the mean loss and the accuracy of MODEL on samples and labels from files, with the running "
            "statistics, through the folded inference graph."};
  verb.groups = {{"Data", dataOptions(command.data, true, "", "Samples")},
                 inputGroup(command.compile, command.preprocessing),
                 executionGroup(command.execution, "Samples per call. Default: at most 256."),
                 {"Model",
                  {lossOption(command.compile), targetOption(command.compile), mathOption(command.compile), foldOption(command.compile),
                   epsilonOption(command.compile)}},
                 compilerGroup(command.compile)};
  verb.examples = {"bnc evaluate lenet.onnx --weights trained.safetensors --data images.npy --labels labels.npy"};
  verb.setOperand = [&](StringRef model) { command.compile.model = model.str(); };
  verb.run = [&] {
    compileInputs(command.compile, command.preprocessing);
    return runEvaluate(command);
  };
  return verb;
}

static Verb calibrateVerb(CalibrateCommand &command) {
  Verb verb{"calibrate", "MODEL", "measures the running statistics again",
            "Replaces the running statistics of MODEL's batch normalizations by the mean and variance over all samples "
            "given, with the parameters as they are, and writes everything to a new weights file."};
  verb.groups = {{"Data", dataOptions(command.data, false, "", "Samples")},
                 {"Results", {outputOption("FILE", "The .safetensors file to write.", command.output)}},
                 inputGroup(command.compile, command.preprocessing),
                 executionGroup(command.execution, "Samples per call, over which earlier layers normalize. Default: at "
                                                   "most 256."),
                 {"Model", {lossOption(command.compile), targetOption(command.compile), epsilonOption(command.compile)}},
                 compilerGroup(command.compile)};
  verb.examples = {
      "bnc calibrate lenet.onnx --weights trained.safetensors --data images.npy -o calibrated.safetensors"};
  verb.setOperand = [&](StringRef model) { command.compile.model = model.str(); };
  verb.run = [&] {
    compileInputs(command.compile, command.preprocessing);
    return runCalibrate(command);
  };
  return verb;
}

static Verb benchVerb(BenchCommand &command) {
  Verb verb{"bench", "MODEL", "times every kernel on this machine",
            "Runs MODEL's training step and its inference on random samples and shows, kernel by kernel, the time, the "
            "share of this machine's measured peak of multiply-adds, and the bandwidth of what has to be read and "
            "written. The batch and the threads are those of --batch and --threads."};
  verb.groups = {
      executionGroup(command.execution, "Samples per step. Default: 16."),
      {"Output",
       {{"repetitions", 0, "N", "Steps to time; the table shows medians. Default: 10.",
         setInteger(command.repetitions, 1)},
        {"json", 0, "FILE", "Write the same numbers as JSON.", setString(command.json)}}},
      {"Model",
       {targetOption(command.compile), mathOption(command.compile), foldOption(command.compile), partOption(command.compile)}},
      trainingGroup(command.compile),
      compilerGroup(command.compile)};
  verb.groups.front().options.push_back(
      initOption(command.execution.init, "Time with fresh values, drawn by xavier-uniform, xavier-normal, "
                                         "kaiming-uniform or kaiming-normal."));
  verb.examples = {"bnc bench resnet18.onnx --batch=16", "bnc bench resnet18.onnx --phase=infer --batch=1 --json=time.json"};
  verb.setOperand = [&](StringRef model) { command.compile.model = model.str(); };
  verb.run = [&] { return runBench(command); };
  return verb;
}

static Verb verifyVerb(VerifyCommand &command) {
  Verb verb{"verify", "MODEL", "compares what is compiled with the model in double precision",
            "Runs MODEL's inference, folded and unfolded, and the first step of its training, and compares every value they "
            "store with a plain evaluation of the model in double precision: node by node, the largest error as a share of "
            "the tensor's largest element. Loss, gradients and running statistics may be off by the tolerance and by what "
            "float32 itself loses in that step. The gradients of the evaluation are compared with finite differences."};
  std::vector<Option> data = dataOptions(command.data, true, "", "Samples, of which the first --batch are taken");
  data.front().help += " Default: normally distributed numbers.";
  data.back().help += " Default: random ones.";
  data.push_back({"seed", 0, "N", "Number that random samples, labels and dropout follow from. Default: 0.",
                  setUnsigned(command.execution.seed)});
  OptionGroup input = inputGroup(command.compile, command.preprocessing);
  input.options.erase(input.options.begin(), input.options.begin() + 2); // data has the model's own layout and type
  verb.groups = {
      {"Data", data},
      input,
      {"Output",
       {{"tolerance", 0, "T", "Largest error, as a share of the tensor's largest element. Default: 1e-5.",
         setNumber(command.tolerance, 0)},
        {"json", 0, "FILE", "Write the same numbers as JSON.", setString(command.json)}}},
      executionGroup(command.execution, "Samples. Default: 2, or 32 where a batch normalization sees one value per sample."),
      {"Model", {targetOption(command.compile), partOption(command.compile)}},
      trainingGroup(command.compile),
      compilerGroup(command.compile)};
  verb.examples = {"bnc verify resnet18.onnx", "bnc verify resnet18.onnx --weights=trained.safetensors --phase=infer"};
  verb.setOperand = [&](StringRef model) { command.compile.model = model.str(); };
  verb.run = [&] { return runVerify(command); };
  return verb;
}

//===-- Dispatch -------------------------------------------------------------------------===//

namespace {
/// What the options of every verb are read into.
struct Commands {
  CompileCommand compile;
  InspectCommand inspect;
  InitCommand init;
  RunCommand run;
  TrainCommand train;
  EvaluateCommand evaluate;
  CalibrateCommand calibrate;
  BenchCommand bench;
  VerifyCommand verify;
  std::string shell, topic;

  /// The options that all verbs but these two share.
  std::vector<CompileOptions *> all() {
    return {&compile.compile, &inspect.compile,  &init.compile,     &run.compile,
            &train.compile,   &evaluate.compile, &calibrate.compile, &bench.compile,
            &verify.compile};
  }
};
} // namespace

int bnc::runCommandLine(int argc, char **argv) {
  InitLLVM init(argc, argv);
  std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of write(), like a full disk
  Commands commands;
  std::vector<Verb> verbs{compileVerb(commands.compile),    inspectVerb(commands.inspect),
                          initVerb(commands.init),          runVerb(commands.run),
                          trainVerb(commands.train),        evaluateVerb(commands.evaluate),
                          calibrateVerb(commands.calibrate), verifyVerb(commands.verify),
                          benchVerb(commands.bench)};
  auto findVerb = [&](StringRef name) { return find_if(verbs, [&](const Verb &verb) { return verb.name == name; }); };
  auto unknownVerb = [&](StringRef name) {
    std::vector<std::string> names;
    for (const Verb &verb : verbs)
      names.push_back(verb.name);
    std::string guess = didYouMean(name, names);
    return reportError("no verb '" + name + "'" + (guess.empty() ? "; 'bnc help' lists them all" : guess));
  };
  Verb completion{"completion", "SHELL", "prints a completion script for bash, zsh or fish",
                  "Prints a script that lets the shell complete verbs and options: eval \"$(bnc completion bash)\"."};
  completion.setOperand = [&](StringRef shell) { commands.shell = shell.str(); };
  completion.run = [&] { return printCompletion(verbs, commands.shell, outs()); };
  Verb help{"help", "VERB", "explains a verb", "Explains a verb and its options, or lists the verbs."};
  help.operandRequired = false;
  help.setOperand = [&](StringRef topic) { commands.topic = topic.str(); };
  help.run = [&]() -> LogicalResult {
    if (commands.topic.empty()) {
      printOverview(verbs, outs());
      return success();
    }
    auto verb = findVerb(commands.topic);
    if (verb == verbs.end())
      return unknownVerb(commands.topic);
    printVerbHelp(*verb, outs());
    return success();
  };
  verbs.push_back(completion);
  verbs.push_back(help);

  StringRef first = argc > 1 ? argv[1] : "--help";
  if (first == "--help" || first == "-h") {
    printOverview(verbs, outs());
    return 0;
  }
  if (first == "--version") {
    outs() << "bnc " << kVersion << "\n";
    return 0;
  }
  auto verb = findVerb(first);
  if (verb == verbs.end()) {
    if (first.starts_with("-"))
      (void)reportError("expected a verb, found '" + first + "'; 'bnc help' lists them all");
    else
      (void)unknownVerb(first);
    return 1;
  }

  // Which options were given matters where a text is compiled further.
  for (OptionGroup &group : verb->groups)
    for (Option &option : group.options)
      option.set = [&commands, name = option.name, set = option.set](StringRef value) {
        for (CompileOptions *compile : commands.all())
          compile->given.insert(name);
        return set(value);
      };
  std::vector<StringRef> arguments(argv + 2, argv + argc);
  ParsedCommand parsed;
  if (failed(parseArguments(*verb, arguments, parsed)))
    return 1;
  if (parsed.help) {
    printVerbHelp(*verb, outs());
    return 0;
  }
  if (failed(parseMlirFlags(parsed.mlirFlags)))
    return 1;
  for (CompileOptions *compile : commands.all())
    compile->traced = !parsed.mlirFlags.empty();
  return succeeded(verb->run()) ? 0 : 1;
}
