//===- Train.cpp - bnc train -------------------------------------------------------------===//

#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/EventFile.h"
#include "compiler/Driver/LearningCurve.h"
#include "compiler/Driver/Metrics.h"
#include "compiler/Driver/ProgressBar.h"
#include "compiler/Driver/Report.h"
#include "compiler/Driver/Verbs.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <csignal>
#include <numeric>

using namespace llvm;
using namespace bnc;

//===-- Interruption -----------------------------------------------------------------===//

static volatile std::sig_atomic_t gInterrupted = 0;

namespace {
/// While it lives, the first Ctrl-C (or SIGTERM) only raises a flag; the second one ends the program as usual.
class InterruptGuard {
public:
  InterruptGuard() {
    gInterrupted = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { gInterrupted = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &before[0]);
    sigaction(SIGTERM, &action, &before[1]);
  }
  ~InterruptGuard() {
    sigaction(SIGINT, &before[0], nullptr);
    sigaction(SIGTERM, &before[1], nullptr);
  }

private:
  struct sigaction before[2];
};

//===-- The order of samples ----------------------------------------------------------===//

/// SplitMix64 (Steele, Lea and Flood 2014): the number at place `counter` of the sequence of `key`. It depends on
/// nothing else, so a run can be repeated anywhere.
uint64_t randomAt(uint64_t key, uint64_t counter) {
  uint64_t z = key + (counter + 1) * 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

/// Fisher and Yates's shuffle of 0 .. count-1, another one for every epoch.
std::vector<int64_t> shuffled(int64_t count, uint64_t seed, uint64_t epoch) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  uint64_t key = randomAt(seed, epoch);
  for (int64_t i = count - 1; i > 0; --i) {
    uint64_t below = static_cast<uint64_t>((static_cast<unsigned __int128>(randomAt(key, i)) * (i + 1)) >> 64);
    std::swap(order[i], order[below]);
  }
  return order;
}

//===-- Training -----------------------------------------------------------------------===//

class Trainer {
public:
  Trainer(const TrainCommand &command, Session &session)
      : command(command), session(session), schedule(command.schedule) {}
  LogicalResult run();

private:
  LogicalResult readData();
  LogicalResult prepare();
  LogicalResult findBest();
  bnc_status runStep(Batch &buffers, ArrayRef<int64_t> indices, double lr, bnc_metrics &result);
  LogicalResult runEpoch(int64_t epoch, ProgressBar &bar);
  LogicalResult endEpoch(int64_t epoch, int64_t samples, double seconds, StepRecord &record);
  LogicalResult keepBest(int64_t epoch, double loss);
  LogicalResult record(const StepRecord &values);
  LogicalResult save() { return save(command.output); }
  LogicalResult save(const std::string &path);
  LogicalResult saveCheckpoint();
  LogicalResult finish();
  bool isOver() const { return step >= lastStep || stopsEarly; }
  int64_t epochOf(int64_t steps) const { return (steps + stepsPerEpoch - 1) / stepsPerEpoch; }

  const TrainCommand &command;
  Session &session;
  DataSet data;
  std::optional<DataSet> test;
  TrainPointer train;
  int64_t batch = 0, stepsPerEpoch = 0, checkpointSteps = 0;
  int64_t firstStep = 0, step = 0, lastStep = 0; // counted on from the weights file
  int64_t scheduleStart = 0;
  LearningRateSchedule schedule;
  double peakRate = 0, epochLoss = 0, epochAccuracy = 0;
  double bestLoss = INFINITY;
  int64_t bestEpoch = 0; // 0: none yet
  bool stopsEarly = false;
  MetricsFile metrics;
  EventFile events;
  TrainingHistory history;
};
} // namespace

LogicalResult Trainer::readData() {
  const bnc_model_descriptor &model = session.descriptor();
  if (failed(session.requireTraining(/*both=*/!command.test.data.empty())) || failed(session.requireLoss()))
    return failure();
  FailureOr<DataSet> read =
      readDataSet(model, "--data", command.training.data, command.training.labels, command.preprocessing);
  if (failed(read))
    return failure();
  data = std::move(*read);
  if (!command.test.data.empty()) {
    FailureOr<DataSet> other =
        readDataSet(model, "--test-data", command.test.data, command.test.labels, command.preprocessing);
    if (failed(other))
      return failure();
    test = std::move(*other);
  }

  if (int64_t asked = session.batch(0); asked > data.count && !model.fixed_batch)
    return reportError("'" + data.inputs.front().path() + "' holds " + withSeparators(data.count) +
                       " samples, fewer than --batch=" + Twine(asked) + "; give at most that many");
  batch = std::min(session.batch(32), data.count);
  int64_t samplesPerStep = batch * command.accumulate;
  stepsPerEpoch = (data.count + samplesPerStep - 1) / samplesPerStep;
  if (int64_t last = data.count % batch; model.fixed_batch && (last != 0 || batch < model.fixed_batch))
    return reportError("'" + data.inputs.front().path() + "' holds " + withSeparators(data.count) +
                       " samples, but the model takes exactly " + Twine(model.fixed_batch) +
                       " at a time; give a multiple, or a model with an open batch");
  else if (int64_t smallest = last ? last : batch;
           smallest < model.minimum_train_batch && (command.epochs || command.steps >= (last ? stepsPerEpoch : 1)))
    return reportError("node '" + StringRef(model.minimum_train_batch_node) +
                       "' (batch_norm) normalizes a single value per sample and needs batches of at least " +
                       Twine(model.minimum_train_batch) + ", but " + withSeparators(data.count) +
                       " samples in batches of " + Twine(batch) + " leave one of " + Twine(smallest) +
                       "; choose another --batch");

  return success();
}

LogicalResult Trainer::prepare() {
  if (failed(readData()))
    return failure();
  FailureOr<TrainPointer> created = session.createTrain(batch, /*resume=*/!command.freshOptimizer);
  if (failed(created))
    return failure();
  train = std::move(*created);
  step = firstStep = bnc_train_steps(train.get());
  scheduleStart = command.resume ? 0 : firstStep;
  int64_t asked = command.steps ? command.steps : command.epochs * stepsPerEpoch;
  lastStep = scheduleStart + asked;
  if (std::string wrong = schedule.fit(asked, stepsPerEpoch); !wrong.empty())
    return reportError("option '--lr-schedule': " + wrong);
  if (bnc_train_get_hyper(train.get(), "lr", &peakRate) != BNC_OK)
    return reportFailure(train.get());
  checkpointSteps = command.checkpointEvery.steps(stepsPerEpoch);
  bool goesOn = command.resume && command.execution.weights == command.output;
  if (goesOn && !command.best.empty() && sys::fs::exists(command.best) && failed(findBest()))
    return failure();
  if (!command.checkpoints.empty() && failed(makeFolder(command.checkpoints)))
    return failure();
  history.stepLoss.reserve(asked < 1000000 ? asked : 0);
  if (!command.tensorBoard.empty() && failed(events.open(command.tensorBoard)))
    return failure();
  return command.metrics.empty() ? success() : metrics.open(command.metrics, command.resume ? firstStep : 0, history);
}

/// What an earlier part of this training found to be best: its file says it all.
LogicalResult Trainer::findBest() {
  if (bnc_train_load(train.get(), command.best.c_str()) != BNC_OK)
    return reportFailure(train.get());
  int64_t steps = bnc_train_steps(train.get());
  if (steps <= firstStep) { // else it is of another training
    FailureOr<Score> found = evaluate(train.get(), *test, batch, /*progress=*/true);
    if (failed(found))
      return failure();
    bestLoss = found->loss;
    bestEpoch = epochOf(steps);
    stopsEarly = command.earlyStop && epochOf(firstStep) - bestEpoch >= command.earlyStop;
  }
  return bnc_train_load(train.get(), command.output.c_str()) == BNC_OK ? success() : reportFailure(train.get());
}

LogicalResult Trainer::save(const std::string &path) {
  if (bnc_train_save(train.get(), path.c_str()) != BNC_OK)
    return reportFailure(train.get());
  return success();
}

LogicalResult Trainer::saveCheckpoint() {
  if (failed(save()))
    return failure();
  if (command.checkpoints.empty())
    return success();
  SmallString<128> path(command.checkpoints);
  sys::path::append(path, formatv("{0}-{1,0+8}.safetensors", session.descriptor().name, step).str());
  return save(path.str().str());
}

/// The step of the samples `indices`, a batch at a time.
bnc_status Trainer::runStep(Batch &buffers, ArrayRef<int64_t> indices, double lr, bnc_metrics &result) {
  if (command.accumulate == 1) {
    buffers.fill(indices);
    return bnc_train_step(train.get(), buffers.inputs(), buffers.labels(), indices.size(), lr, &result);
  }
  for (int64_t first = 0, count = indices.size(); first < count; first += batch) {
    int64_t size = std::min(batch, count - first);
    buffers.fill(indices.slice(first, size));
    bnc_status status = bnc_train_accumulate(train.get(), buffers.inputs(), buffers.labels(), size, nullptr);
    if (status != BNC_OK)
      return status;
  }
  return bnc_train_update(train.get(), lr, &result);
}

LogicalResult Trainer::runEpoch(int64_t epoch, ProgressBar &bar) {
  std::vector<int64_t> order;
  if (command.shuffle) {
    order = shuffled(data.count, command.execution.seed, epoch);
  } else {
    order.resize(data.count);
    std::iota(order.begin(), order.end(), 0);
  }
  Batch buffers(data, batch);
  int64_t samples = 0;
  epochLoss = epochAccuracy = 0;
  ProgressBar epochClock("", /*enabled=*/false);
  int64_t samplesPerStep = batch * command.accumulate;
  for (int64_t first = (step - (epoch - 1) * stepsPerEpoch) * samplesPerStep; first < data.count && !isOver();
       first += samplesPerStep) {
    int64_t size = std::min(samplesPerStep, data.count - first);
    bnc_metrics result;
    double lr = peakRate * schedule.factorAt(step - scheduleStart);
    if (runStep(buffers, ArrayRef<int64_t>(order).slice(first, size), lr, result) != BNC_OK) {
      bar.clear();
      std::string why = bnc_train_error(train.get());
      if (step == firstStep) // nothing to keep
        return reportError(why);
      if (failed(save())) // has said why
        return failure();
      std::string moved; // what the batches of this step that succeeded did
      if (command.accumulate > 1)
        moved = " (running averages as its batches before this one left them)";
      return reportError("epoch " + Twine(epoch) + ", " + why + "; the values before this step are in '" +
                         command.output + "'" + moved);
    }
    ++step;
    samples += size;
    epochLoss += result.loss * size;
    epochAccuracy += result.accuracy * size;
    StepRecord values{step, epoch, result.loss, result.accuracy, lr, result.gradient_norm};
    bar.show(step - firstStep, lastStep - firstStep,
             formatv("epoch {0}/{1}  {2}  {3} images/s", epoch, epochOf(lastStep),
                     formatScore(epochLoss / samples, epochAccuracy / samples),
                     withSeparators(static_cast<int64_t>(samples / epochClock.seconds())))
                 .str());

    bool epochEnds = first + size >= data.count || step == lastStep;
    if (epochEnds) {
      double seconds = epochClock.seconds();
      bar.clear();
      if (failed(endEpoch(epoch, samples, seconds, values)))
        return failure();
    }
    if (failed(record(values)))
      return failure();
    if (step % checkpointSteps == 0) {
      if (failed(saveCheckpoint()))
        return failure();
    } else if ((gInterrupted || isOver()) && failed(save())) {
      return failure();
    }
    if (gInterrupted && !isOver()) {
      bar.clear();
      return reportError("interrupted after step " + withSeparators(step) + "; the values so far are in '" +
                         command.output + "', and --resume goes on from there");
    }
  }
  return success();
}

LogicalResult Trainer::endEpoch(int64_t epoch, int64_t samples, double seconds, StepRecord &values) {
  if (test && !gInterrupted) {
    FailureOr<Score> found = evaluate(train.get(), *test, batch, /*progress=*/true);
    if (failed(found))
      return failure();
    values.testLoss = found->loss;
    values.testAccuracy = found->accuracy;
  }
  double at = step, accuracy = epochAccuracy / samples;
  outs() << "epoch " << epoch << "/" << epochOf(lastStep) << ": " << formatScore(epochLoss / samples, accuracy);
  history.trainAccuracy.push_back({at, accuracy});
  if (!std::isnan(values.testLoss)) {
    outs() << "; test " << formatScore(values.testLoss, values.testAccuracy);
    history.testLoss.push_back({at, values.testLoss});
    history.testAccuracy.push_back({at, values.testAccuracy});
  }
  if (!schedule.isConstant())
    outs() << "; lr " << formatNumber(values.lr, 4);
  outs() << formatv("; {0:f1} s, {1} images/s\n", seconds, withSeparators(static_cast<int64_t>(samples / seconds)));
  outs().flush();
  return std::isnan(values.testLoss) ? success() : keepBest(epoch, values.testLoss);
}

LogicalResult Trainer::keepBest(int64_t epoch, double loss) {
  if (loss < bestLoss) {
    bestLoss = loss;
    bestEpoch = epoch;
    return command.best.empty() ? success() : save(command.best);
  }
  stopsEarly = command.earlyStop && epoch - bestEpoch >= command.earlyStop;
  return success();
}

LogicalResult Trainer::record(const StepRecord &values) {
  history.stepLoss.push_back({static_cast<double>(values.step), values.loss});
  if (failed(metrics.add(values)))
    return failure();
  return events.add(values.step, {{"train/loss", values.loss},
                                  {"train/accuracy", values.accuracy},
                                  {"train/lr", values.lr},
                                  {"train/gradient_norm", values.gradientNorm},
                                  {"test/loss", values.testLoss},
                                  {"test/accuracy", values.testAccuracy}});
}

LogicalResult Trainer::finish() {
  if (command.curve.empty())
    return success();
  return writeFile(command.curve,
                   drawLearningCurve(history, StringRef(session.descriptor().name).str() + ": " + withSeparators(step) +
                                                  " steps of " + Twine(batch).str()));
}

LogicalResult Trainer::run() {
  if (failed(prepare()))
    return failure();
  if (step >= lastStep)
    outs() << "'" << command.output << "' holds all " << withSeparators(lastStep) << " steps already\n";
  InterruptGuard guard;
  ProgressBar bar("training");
  LogicalResult result = success();
  while (succeeded(result) && !isOver())
    result = runEpoch(step / stepsPerEpoch + 1, bar);
  bar.clear();
  if (failed(result)) {
    if (step > firstStep && !command.curve.empty())
      (void)finish(); // what was seen so far
    return failure();
  }
  if (stopsEarly)
    outs() << "stopped after epoch " << epochOf(step) << ": the test loss was smallest, "
           << formatNumber(bestLoss, 4) << ", after epoch " << bestEpoch << "; its values are in '" << command.best
           << "'\n";
  return finish();
}

LogicalResult bnc::runTrain(const TrainCommand &asked) {
  TrainCommand command = asked;
  if (command.training.data.empty() || command.training.labels.empty())
    return reportError("'bnc train' needs --data FILE and --labels FILE");
  if (command.test.data.empty() != command.test.labels.empty())
    return reportError("--test-data and --test-labels belong together; give both or none");
  if ((command.steps != 0) == (command.epochs != 0))
    return reportError(command.steps ? "--steps and --epochs exclude each other; give one of them"
                                     : "'bnc train' needs to know when to stop; give --steps=N or --epochs=N");
  if (command.output.empty())
    return reportError("'bnc train' needs -o FILE for the trained weights");
  if (command.execution.init && !command.execution.weights.empty())
    return reportError("--init and --weights exclude each other; give one of them");
  if (!command.best.empty() && command.test.data.empty())
    return reportError("--best keeps the values with the smallest test loss; give --test-data and --test-labels too");
  if (command.earlyStop && command.best.empty())
    return reportError("--early-stop goes on past the best values before it stops; give --best=FILE to keep them");
  if (!command.best.empty() && command.best == command.output)
    return reportError("--best and -o name the same file; the best values and the last ones need one each");
  std::vector<std::string> read{command.training.labels, command.test.labels};
  append_range(read, command.training.data);
  append_range(read, command.test.data);
  for (const std::string &path : {command.output, command.metrics, command.curve, command.best})
    if (!path.empty() && (failed(checkWritable(path)) || failed(checkOverwrites(path, command.compile.model, read))))
      return failure();
  if (command.resume && sys::fs::exists(command.output)) {
    command.execution.weights = command.output;
    command.execution.init.reset();
    command.freshOptimizer = false;
  }
  FailureOr<std::unique_ptr<Session>> session = Session::open(command.compile, command.execution);
  if (failed(session))
    return failure();
  return Trainer(command, **session).run();
}
