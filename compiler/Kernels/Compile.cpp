//===- Compile.cpp - kernels to object files -----------------------------------===//

#include "compiler/Kernels/Compile.h"

#include "compiler/Kernels/Pipeline.h"
#include "compiler/Kernels/Prefetch.h"
#include "compiler/Kernels/PrefetchNextTask.h"
#include "compiler/Kernels/PrefetchOperands.h"
#include "compiler/Support/MachineCode.h"

#include "KernelSources.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Operator.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;
using namespace bnc;

namespace {
constexpr uint64_t kCacheBytes = 512ull << 20;

/// A kernel as text that is the same for equal kernels wherever they stand.
std::string signature(KernelOp kernel, const Target &target) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << kKernelSources << ' ' << HALIDE_VERSION_MAJOR << '.' << HALIDE_VERSION_MINOR << ' ' << target.halide << ' '
     << stringifyGrid(kernel.getGrid()) << ' ' << kernel.getRows() << ' ' << kernel.getBlocks() << '\n';
  DenseMap<Value, unsigned> number;
  Block &body = kernel.getBody().front();
  for (BlockArgument argument : body.getArguments())
    number.try_emplace(argument, number.size());
  for (Operation &op : body) {
    os << op.getName() << op.getAttrDictionary() << op.getPropertiesAsAttribute();
    for (Value operand : op.getOperands())
      os << ' ' << number.lookup(operand);
    for (Value result : op.getResults()) {
      os << ' ' << result.getType();
      number.try_emplace(result, number.size());
    }
    os << '\n';
  }
  for (const KernelArgument &argument : describeKernel(kernel, target).arguments) {
    os << argument.role << ' ' << argument.layout.typeCode << ':' << argument.layout.typeBits << ' ' << argument.imageMultiple << ' ' << argument.layout.rowDimension << ' ' << argument.layout.rows << ' ' << argument.layout.imageDimension;
    for (auto [extent, stride] : llvm::zip(argument.layout.extents, argument.layout.strides))
      os << ' ' << extent << ':' << stride;
    os << '\n';
  }
  return text;
}

std::string signature(OptimizeOp op, const Target &target) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << kKernelSources << ' ' << HALIDE_VERSION_MAJOR << '.' << HALIDE_VERSION_MINOR << ' ' << target.halide << " optimize " << op.getOptimizer() << ' '
     << op.getNoWeightDecay();
  return text;
}

std::string symbolOf(StringRef text) {
  auto digest = llvm::SHA256::hash(llvm::arrayRefFromStringRef(text));
  return "bnc_k_" + llvm::toHex(ArrayRef<uint8_t>(digest).take_front(10), /*LowerCase=*/true);
}

/// How near a prefetch brings what it fetches, in LLVM's numbers: the weights of a panel, which are read again and again,
/// into all caches; not what a task later needs, which would drive out of the first one what this task has there.
enum Locality { kSecondLevel = 2, kAllCaches = 3 };

/// Machine code for the bitcode at `from`, which Halide's optimizer wrote. Halide can prefetch in one way, past the
/// second-level cache, which `locality` replaces. And Halide has all of fast mathematics or none: it is told
/// `strict_float`, and sums are taken in the order that kernels write. `contract`: sums and products are contracted.
llvm::Error emitMachineCode(StringRef from, StringRef to, const Target &target, Locality locality, bool contract) {
  auto bitcode = llvm::MemoryBuffer::getFile(from);
  if (!bitcode)
    return llvm::errorCodeToError(bitcode.getError());
  llvm::LLVMContext context;
  llvm::Expected<std::unique_ptr<llvm::Module>> module = llvm::parseBitcodeFile(**bitcode, context);
  if (!module)
    return module.takeError();
  llvm::FastMathFlags flags;
  flags.setAllowContract(contract);
  for (llvm::Function &function : **module)
    for (llvm::Instruction &instruction : llvm::instructions(function)) {
      if (llvm::isa<llvm::FPMathOperator>(instruction))
        instruction.copyFastMathFlags(flags);
      if (auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction); call && call->getIntrinsicID() == llvm::Intrinsic::prefetch)
        call->setArgOperand(2, llvm::ConstantInt::get(call->getArgOperand(2)->getType(), locality));
    }
  llvm::TargetOptions options;
  options.AllowFPOpFusion = contract ? llvm::FPOpFusion::Fast : llvm::FPOpFusion::Strict;
  llvm::Expected<std::string> object = bnc::emitMachineCode(**module, target, options);
  if (!object)
    return object.takeError();
  std::error_code error;
  llvm::raw_fd_ostream os(to, error);
  os << *object;
  os.close();
  if (!error && os.has_error())
    error = os.error();
  os.clear_error();
  return llvm::errorCodeToError(error);
}

/// One worker's task: a kernel's object file at `path`. Halide reports an internal fault by an exception.
llvm::Error buildObject(Operation *op, StringRef symbol, StringRef path, const Target &target) {
  Halide::Target halide(target.halide + "-no_runtime-no_asserts-no_bounds_query-strict_float");
  Halide::Pipeline pipeline;
  std::vector<Halide::Argument> arguments;
  Locality locality = kAllCaches;
  if (auto kernel = dyn_cast<KernelOp>(op)) {
    PipelineBuilder builder(kernel, target);
    pipeline = builder.build();
    arguments = builder.inputs();
    std::vector<NextTask> next = builder.nextTask();
    if (!next.empty()) {
      locality = kSecondLevel;
      pipeline.add_custom_lowering_pass(new PrefetchNextTask(builder.anchors, next));
    } else {
      pipeline.add_custom_lowering_pass(new PrefetchOperands(builder.anchors, builder.activations()));
    }
    pipeline.add_custom_lowering_pass(new PrefetchPanels(builder.weights(), kernel.getGrid() == Grid::Images, builder.rows()));
  } else {
    std::tie(pipeline, arguments) = buildOptimizer(cast<OptimizeOp>(op), target);
  }
  Halide::Module module = pipeline.compile_to_module(arguments, symbol.str(), halide, Halide::LinkageType::ExternalPlusArgv);
  std::string bitcode = path.str() + ".bc";
  module.compile({{Halide::OutputFileType::bitcode, bitcode}});
  // An optimizer's formulas are rounded as the frameworks write them.
  return emitMachineCode(bitcode, path, target, locality, /*contract=*/isa<KernelOp>(op));
}

std::optional<std::string> readFile(const llvm::Twine &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return std::nullopt;
  return (*buffer)->getBuffer().str();
}

/// Removes the oldest objects until the cache is within its size.
void pruneCache(StringRef folder) {
  std::vector<std::tuple<llvm::sys::TimePoint<>, uint64_t, std::string>> files;
  uint64_t total = 0;
  std::error_code error;
  for (llvm::sys::fs::directory_iterator it(folder, error), end; it != end && !error; it.increment(error))
    if (auto status = it->status(); status && status->type() == llvm::sys::fs::file_type::regular_file) {
      files.push_back({status->getLastAccessedTime(), status->getSize(), it->path()});
      total += status->getSize();
    }
  llvm::sort(files);
  for (auto &[time, size, path] : files) {
    if (total <= kCacheBytes)
      break;
    llvm::sys::fs::remove(path);
    total -= size;
  }
}

struct Job {
  Operation *op;
  std::string symbol, path;
};

/// Starts a worker; returns its process id.
pid_t start(const Job &job, const Target &target) {
  pid_t pid = fork();
  if (pid != 0)
    return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL); // no worker outlives the compiler
  int code = 0;
  auto fail = [&](StringRef reason) {
    std::error_code ec;
    llvm::raw_fd_ostream(job.path + ".error", ec) << reason;
    code = 1;
  };
  try {
    if (llvm::Error error = buildObject(job.op, job.symbol, job.path, target))
      fail(llvm::toString(std::move(error)));
  } catch (const Halide::Error &error) {
    fail(error.what());
  }
  _exit(code);
}
} // namespace

void bnc::nameKernels(ModuleOp module, const Target &target) {
  module.walk([&](KernelOp kernel) { kernel.setSymbol(symbolOf(signature(kernel, target))); });
  module.walk([&](OptimizeOp op) { op.setSymbol(symbolOf(signature(op, target))); });
}

FailureOr<std::vector<KernelObject>> bnc::compileKernels(ModuleOp module, const Target &target, const KernelCompileOptions &options) {
  std::map<std::string, Operation *> different;
  module.walk([&](Operation *op) {
    if (auto symbol = op->getAttrOfType<StringAttr>("symbol"); symbol && isa<KernelOp, OptimizeOp>(op))
      different.try_emplace(symbol.getValue().str(), op);
  });
  std::map<std::string, std::string> objects;
  if (!options.cacheDir.empty())
    llvm::sys::fs::create_directories(options.cacheDir);
  SmallString<128> folder;
  if (llvm::sys::fs::createUniqueDirectory("bnc-kernels", folder))
    return module.emitError("cannot create a temporary folder for kernels");
  std::vector<Job> jobs;
  for (auto &[symbol, op] : different) {
    if (!options.cacheDir.empty())
      if (auto bytes = readFile(options.cacheDir + "/" + symbol + ".o")) {
        objects[symbol] = *bytes;
        continue;
      }
    jobs.push_back({op, symbol, (folder + "/" + symbol + ".o").str()});
  }
  // Convolutions take longest: first.
  llvm::stable_sort(jobs, [](const Job &a, const Job &b) {
    auto weight = [](const Job &job) { return isa<KernelOp>(job.op) ? llvm::range_size(cast<KernelOp>(job.op).getBody().front()) : 0; };
    return weight(a) > weight(b);
  });

  size_t most = options.jobs > 0 ? options.jobs : llvm::hardware_concurrency().compute_thread_count(), next = 0, done = objects.size();
  std::map<pid_t, const Job *> running;
  bool failed = false;
  while (next < jobs.size() || !running.empty()) {
    while (next < jobs.size() && running.size() < most && !failed) {
      pid_t pid = start(jobs[next], target);
      if (pid < 0) {
        module.emitError("cannot start a process to compile kernels: ") << strerror(errno);
        failed = true;
        break;
      }
      running[pid] = &jobs[next++];
    }
    if (running.empty())
      break;
    int status = 0;
    pid_t pid = wait(&status);
    auto found = running.find(pid);
    if (found == running.end())
      continue;
    const Job &job = *found->second;
    running.erase(found);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      objects[job.symbol] = readFile(job.path).value_or("");
      if (options.progress)
        options.progress(++done, different.size());
      continue;
    }
    if (!failed) {
      std::string reason = readFile(job.path + ".error").value_or("");
      job.op->emitError("internal fault while compiling the kernel ") << job.symbol << ": " << (reason.empty() ? "its worker died" : StringRef(reason).rtrim());
    }
    failed = true;
  }
  if (!failed && !options.cacheDir.empty()) {
    for (const Job &job : jobs) {
      // Written under a name of its own and renamed, so that another compiler sees all of it or nothing.
      std::string temporary = options.cacheDir + "/" + job.symbol + "." + std::to_string(getpid());
      std::error_code error;
      {
        llvm::raw_fd_ostream os(temporary, error);
        if (!error)
          os << objects[job.symbol];
        os.close();
        if (os.has_error()) {
          os.clear_error();
          error = std::make_error_code(std::errc::io_error);
        }
      }
      if (error || llvm::sys::fs::rename(temporary, options.cacheDir + "/" + job.symbol + ".o"))
        llvm::sys::fs::remove(temporary);
    }
    pruneCache(options.cacheDir);
  }
  llvm::sys::fs::remove_directories(folder);
  if (failed)
    return failure();
  std::vector<KernelObject> result;
  for (auto &[symbol, bytes] : objects)
    result.push_back({symbol, bytes});
  return result;
}
