//===- Verbs.h - what the command line can do ------------------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_VERBS_H
#define COMPILER_DRIVER_VERBS_H

#include "compiler/Driver/LearningRate.h"
#include "compiler/Driver/Session.h"

#include <string>
#include <vector>

namespace bnc {

/// Every verb reports its own failure, once. Options have the names they have on the command line.

struct CompileCommand {
  CompileOptions compile;
  std::string output;  // folder, or "-" for text on stdout; "": the current folder, or "-" for text
  std::string weights; // file whose values replace the model's; "": the model's own
  bool embedWeights = false;
  std::string depfile; // for make and ninja: what the results were made from; "": none
  Phase compileTo = Phase::Objects;
};
llvm::LogicalResult runCompile(const CompileCommand &command);

struct InspectCommand {
  CompileOptions compile;
  bool operations = false; // the table of ops too
};
llvm::LogicalResult runInspect(const InspectCommand &command);

struct InitCommand {
  CompileOptions compile;
  ExecutionOptions execution;
  std::string output;
};
llvm::LogicalResult runInit(const InitCommand &command);

struct RunCommand {
  CompileOptions compile;
  ExecutionOptions execution;
  Preprocessing preprocessing;
  std::vector<std::string> inputs, outputs, expected; // "[NAME=]PATH"
  double tolerance = 1e-5;                            // of the largest element of the expected output
};
llvm::LogicalResult runRun(const RunCommand &command);

struct DataOptions {
  std::vector<std::string> data;
  std::string labels;
};

struct TrainCommand {
  CompileOptions compile;
  ExecutionOptions execution;
  Preprocessing preprocessing;
  DataOptions training, test;
  int64_t steps = 0, epochs = 0; // one of them
  int64_t accumulate = 1; // batches per step
  bool shuffle = false;
  bool freshOptimizer = false; // the variables of --weights alone
  bool resume = false;         // go on from `output` where it exists; steps and epochs count from the very start
  LearningRateSchedule schedule;
  Stretch checkpointEvery{1, /*epochs=*/true};
  int64_t earlyStop = 0; // epochs without a smaller test loss; 0: never
  std::string output, best, checkpoints, metrics, curve, tensorBoard;
};
llvm::LogicalResult runTrain(const TrainCommand &command);

struct EvaluateCommand {
  CompileOptions compile;
  ExecutionOptions execution;
  Preprocessing preprocessing;
  DataOptions data;
};
llvm::LogicalResult runEvaluate(const EvaluateCommand &command);

struct CalibrateCommand {
  CompileOptions compile;
  ExecutionOptions execution;
  Preprocessing preprocessing;
  DataOptions data;
  std::string output;
};
llvm::LogicalResult runCalibrate(const CalibrateCommand &command);

struct BenchCommand {
  CompileOptions compile;
  ExecutionOptions execution;
  int64_t repetitions = 10;
  std::string json; // file; "": the table alone
};
llvm::LogicalResult runBench(const BenchCommand &command);

struct VerifyCommand {
  CompileOptions compile;
  ExecutionOptions execution;
  Preprocessing preprocessing;
  DataOptions data;        // none: random samples
  double tolerance = 1e-5; // of a tensor's largest element
  std::string json;        // file; "": the table alone
};
llvm::LogicalResult runVerify(const VerifyCommand &command);

/// Fails if `path` could not be written, before hours are spent on what it is to hold.
llvm::LogicalResult checkWritable(llvm::StringRef path);

/// Mean loss and accuracy over a data set with running statistics.
struct Score {
  double loss = 0, accuracy = 0; // accuracy: NaN without classes
  int64_t correct = 0;
};
llvm::FailureOr<Score> evaluate(bnc_train *train, const DataSet &data, int64_t batch, bool progress);

/// "loss 0.3512, accuracy 87.12 %".
std::string formatScore(double loss, double accuracy);

} // namespace bnc

#endif // COMPILER_DRIVER_VERBS_H
