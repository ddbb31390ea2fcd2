//===- Train.cpp - bnc train -------------------------------------------------------------===//

#include "compiler/Driver/AtomicFile.h"
#include "compiler/Driver/LearningCurve.h"
#include "compiler/Driver/ProgressBar.h"
#include "compiler/Driver/Report.h"
#include "compiler/Driver/Verbs.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
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

//===-- Metrics ------------------------------------------------------------------------===//

/// A CSV file with a line a step, each on disk before the next step begins.
class MetricsFile {
public:
  ~MetricsFile() {
    if (file)
      std::fclose(file);
  }
  LogicalResult open(const std::string &path) {
    this->path = path;
    file = std::fopen(path.c_str(), "w");
    if (!file)
      return fail();
    std::fputs("step,epoch,loss,accuracy,lr,gradient_norm,test_loss,test_accuracy\n", file);
    return success();
  }
  LogicalResult add(int64_t step, int64_t epoch, const bnc_metrics &metrics, double lr, const Evaluation *test) {
    if (!file)
      return success();
    std::fprintf(file, "%lld,%lld", static_cast<long long>(step), static_cast<long long>(epoch));
    for (double value : {metrics.loss, metrics.accuracy, lr, metrics.gradient_norm, test ? test->loss : NAN,
                         test ? test->accuracy : NAN})
      std::isnan(value) ? std::fputc(',', file) : std::fprintf(file, ",%.9g", value); // no value: an empty cell
    std::fputc('\n', file);
    return std::fflush(file) == 0 && !std::ferror(file) ? success() : fail();
  }

private:
  LogicalResult fail() {
    return reportError("cannot write '" + path + "': " + std::error_code(errno, std::generic_category()).message());
  }
  std::FILE *file = nullptr;
  std::string path;
};

//===-- Training -----------------------------------------------------------------------===//

class Trainer {
public:
  Trainer(const TrainCommand &command, Session &session) : command(command), session(session) {}
  LogicalResult run();

private:
  LogicalResult prepare();
  bnc_status runStep(Batch &buffers, ArrayRef<int64_t> indices, bnc_metrics &result);
  LogicalResult runEpoch(int64_t epoch, ProgressBar &bar);
  LogicalResult endEpoch(int64_t epoch, int64_t samples, double seconds, const Evaluation *test);
  LogicalResult save();
  LogicalResult finish();
  bool isLastStep() const { return step == firstStep + totalSteps; }

  const TrainCommand &command;
  Session &session;
  DataSet data;
  std::optional<DataSet> test;
  TrainPointer train;
  int64_t batch = 0, stepsPerEpoch = 0, totalSteps = 0, totalEpochs = 0;
  int64_t firstStep = 0, step = 0; // steps are counted on from the weights file
  double lr = 0, epochLoss = 0, epochAccuracy = 0;
  MetricsFile metrics;
  TrainingHistory history;
};
} // namespace

LogicalResult Trainer::prepare() {
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
  totalSteps = command.steps ? command.steps : command.epochs * stepsPerEpoch;
  if (int64_t last = data.count % batch; model.fixed_batch && (last != 0 || batch < model.fixed_batch))
    return reportError("'" + data.inputs.front().path() + "' holds " + withSeparators(data.count) +
                       " samples, but the model takes exactly " + Twine(model.fixed_batch) +
                       " at a time; give a multiple, or a model with an open batch");
  else if (int64_t smallest = last ? last : batch;
           smallest < model.minimum_train_batch && totalSteps >= (last ? stepsPerEpoch : 1))
    return reportError("node '" + StringRef(model.minimum_train_batch_node) +
                       "' (batch_norm) normalizes a single value per sample and needs batches of at least " +
                       Twine(model.minimum_train_batch) + ", but " + withSeparators(data.count) +
                       " samples in batches of " + Twine(batch) + " leave one of " + Twine(smallest) +
                       "; choose another --batch");

  FailureOr<TrainPointer> created = session.createTrain(batch, /*resume=*/!command.freshOptimizer);
  if (failed(created))
    return failure();
  train = std::move(*created);
  step = firstStep = bnc_train_steps(train.get());
  totalEpochs = (firstStep + totalSteps + stepsPerEpoch - 1) / stepsPerEpoch;
  if (bnc_train_get_hyper(train.get(), "lr", &lr) != BNC_OK)
    return reportFailure(train.get());
  history.stepLoss.reserve(totalSteps < 1000000 ? totalSteps : 0);
  return command.metrics.empty() ? success() : metrics.open(command.metrics);
}

LogicalResult Trainer::save() {
  if (bnc_train_save(train.get(), command.output.c_str()) != BNC_OK)
    return reportFailure(train.get());
  return success();
}

/// The step of the samples `indices`, a batch at a time.
bnc_status Trainer::runStep(Batch &buffers, ArrayRef<int64_t> indices, bnc_metrics &result) {
  if (command.accumulate == 1) {
    buffers.fill(indices);
    return bnc_train_step(train.get(), buffers.inputs(), buffers.labels(), indices.size(), /*learning_rate=*/-1, &result);
  }
  for (int64_t first = 0, count = indices.size(); first < count; first += batch) {
    int64_t size = std::min(batch, count - first);
    buffers.fill(indices.slice(first, size));
    bnc_status status = bnc_train_accumulate(train.get(), buffers.inputs(), buffers.labels(), size, nullptr);
    if (status != BNC_OK)
      return status;
  }
  return bnc_train_update(train.get(), /*learning_rate=*/-1, &result);
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
  for (int64_t first = (step - (epoch - 1) * stepsPerEpoch) * samplesPerStep; first < data.count && !isLastStep(); first += samplesPerStep) {
    int64_t size = std::min(samplesPerStep, data.count - first);
    bnc_metrics result;
    if (runStep(buffers, ArrayRef<int64_t>(order).slice(first, size), result) != BNC_OK) {
      bar.clear();
      std::string why = bnc_train_error(train.get());
      if (failed(save())) // has said why
        return failure();
      return reportError("epoch " + Twine(epoch) + ", " + why + "; the values before this step are in '" +
                         command.output + "'");
    }
    ++step;
    samples += size;
    epochLoss += result.loss * size;
    epochAccuracy += result.accuracy * size;
    history.stepLoss.push_back({static_cast<double>(step), result.loss});
    std::string where = formatv("epoch {0}/{1}  {2}  {3} images/s", epoch, totalEpochs,
                                formatScore(epochLoss / samples, epochAccuracy / samples),
                                withSeparators(static_cast<int64_t>(samples / epochClock.seconds())));
    bar.show(step - firstStep, totalSteps, where);

    std::optional<Evaluation> score;
    bool epochEnds = first + size >= data.count || isLastStep();
    if (epochEnds) {
      double seconds = epochClock.seconds();
      bar.clear();
      if (test && !gInterrupted) {
        FailureOr<Evaluation> found = evaluate(train.get(), *test, batch, /*progress=*/true);
        if (failed(found))
          return failure();
        score = *found;
      }
      if (failed(endEpoch(epoch, samples, seconds, score ? &*score : nullptr)))
        return failure();
    }
    if (failed(metrics.add(step, epoch, result, lr, score ? &*score : nullptr)))
      return failure();
    bool checkpoint = command.checkpointEvery && step % command.checkpointEvery == 0;
    if ((epochEnds || checkpoint || gInterrupted) && failed(save()))
      return failure();
    if (gInterrupted) {
      bar.clear();
      return reportError("interrupted after step " + withSeparators(step) + "; the values so far are in '" +
                         command.output + "'");
    }
  }
  return success();
}

LogicalResult Trainer::endEpoch(int64_t epoch, int64_t samples, double seconds, const Evaluation *score) {
  double accuracy = epochAccuracy / samples;
  outs() << "epoch " << epoch << "/" << totalEpochs << ": " << formatScore(epochLoss / samples, accuracy);
  history.trainAccuracy.push_back({static_cast<double>(step), accuracy});
  if (score) {
    outs() << "; test " << formatScore(score->loss, score->accuracy);
    history.testLoss.push_back({static_cast<double>(step), score->loss});
    history.testAccuracy.push_back({static_cast<double>(step), score->accuracy});
  }
  outs() << formatv("; {0:f1} s, {1} images/s\n", seconds, withSeparators(static_cast<int64_t>(samples / seconds)));
  outs().flush();
  return success();
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
  InterruptGuard guard;
  ProgressBar bar("training");
  LogicalResult result = success();
  while (succeeded(result) && !isLastStep())
    result = runEpoch(step / stepsPerEpoch + 1, bar);
  bar.clear();
  if (failed(result)) {
    if (step > firstStep && !command.curve.empty())
      (void)finish(); // what was seen so far
    return failure();
  }
  return finish();
}

LogicalResult bnc::runTrain(const TrainCommand &command) {
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
  for (const std::string &path : {command.output, command.metrics, command.curve})
    if (!path.empty() && failed(checkWritable(path)))
      return failure();
  FailureOr<std::unique_ptr<Session>> session = Session::open(command.compile, command.execution);
  if (failed(session))
    return failure();
  return Trainer(command, **session).run();
}
