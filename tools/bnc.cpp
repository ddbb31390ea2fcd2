//===- bnc.cpp - the command ----------------------------------------------------===//

#include "compiler/Driver/CommandLine.h"

int main(int argc, char **argv) { return bnc::runCommandLine(argc, argv); }
