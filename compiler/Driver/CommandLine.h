//===- CommandLine.h - the verbs as tables ---------------------------------------*- C++ -*-===//

#ifndef COMPILER_DRIVER_COMMANDLINE_H
#define COMPILER_DRIVER_COMMANDLINE_H

namespace bnc {

/// The whole of `bnc`: parses, runs a verb, returns the exit status (0, or 1 after one sentence on stderr).
int runCommandLine(int argc, char **argv);

} // namespace bnc

#endif // COMPILER_DRIVER_COMMANDLINE_H
