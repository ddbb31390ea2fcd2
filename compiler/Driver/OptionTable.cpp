//===- OptionTable.cpp - verbs and their options as tables ------------------===//

#include "compiler/Driver/OptionTable.h"

#include "compiler/Driver/Report.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace llvm;
using namespace bnc;

//===-- Parsing ----------------------------------------------------------------===//

static const Option *findOption(const Verb &verb, function_ref<bool(const Option &)> matches) {
  for (const OptionGroup &group : verb.groups)
    for (const Option &option : group.options)
      if (matches(option))
        return &option;
  return nullptr;
}

static std::vector<std::string> optionNames(const Verb &verb) {
  std::vector<std::string> names;
  for (const OptionGroup &group : verb.groups)
    for (const Option &option : group.options)
      names.push_back(option.name);
  names.push_back("help");
  return names;
}

static LogicalResult reportUnknownOption(const Verb &verb, StringRef shown, StringRef name) {
  std::string guess = didYouMean(name, optionNames(verb), "--");
  return reportError("unknown option '" + shown + "' of 'bnc " + verb.name + "'" +
                     (guess.empty() ? "; 'bnc " + verb.name + " --help' lists them all" : guess));
}

LogicalResult bnc::parseArguments(const Verb &verb, ArrayRef<StringRef> arguments, ParsedCommand &parsed) {
  bool haveOperand = false, onlyOperands = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    StringRef argument = arguments[i];
    if (onlyOperands || !argument.starts_with("-") || argument == "-") {
      if (verb.operand.empty())
        return reportError("'bnc " + verb.name + "' takes no argument, found '" + argument + "'");
      if (haveOperand)
        return reportError("'bnc " + verb.name + "' takes one " + verb.operand + ", found a second: '" + argument +
                           "'");
      verb.setOperand(argument);
      haveOperand = true;
      continue;
    }
    if (argument == "--") {
      onlyOperands = true;
      continue;
    }
    if (argument == "--help" || argument == "-h") {
      parsed.help = true;
      return success();
    }
    if (argument.starts_with("--mlir-")) {
      parsed.mlirFlags.push_back(argument.str());
      continue;
    }

    const Option *option;
    std::optional<StringRef> value;
    std::string shown;
    if (argument.starts_with("--")) {
      auto [name, text] = argument.drop_front(2).split('=');
      option = findOption(verb, [name = name](const Option &o) { return o.name == name; });
      if (argument.contains('='))
        value = text;
      shown = ("--" + name).str();
      if (!option)
        return reportUnknownOption(verb, ("--" + name).str(), name);
    } else {
      char letter = argument[1];
      option = findOption(verb, [letter](const Option &o) { return o.letter == letter; });
      if (argument.size() > 2)
        value = argument.drop_front(argument[2] == '=' ? 3 : 2);
      shown = argument.take_front(2).str();
      if (!option) // "-batch" was surely meant to be "--batch"
        return reportUnknownOption(verb, argument, argument.drop_front(1).split('=').first);
    }

    if (option->metavar.empty() && value)
      return reportError("option '" + shown + "' takes no value, found '" + *value + "'");
    if (!option->metavar.empty() && !value) {
      if (i + 1 == arguments.size())
        return reportError("option '" + shown + "' needs a value: " + shown + "=" + option->metavar);
      value = arguments[++i];
    }
    std::string expected = option->set(value.value_or(""));
    if (!expected.empty())
      return reportError("option '" + shown + "': expected " + expected + ", found '" + value.value_or("") + "'" +
                         didYouMean(value.value_or(""), option->values));
  }
  if (!verb.operand.empty() && verb.operandRequired && !haveOperand)
    return reportError("'bnc " + verb.name + "' needs a " + verb.operand + "; 'bnc " + verb.name +
                       " --help' shows how it is used");
  return success();
}

//===-- Help ---------------------------------------------------------------------===//

/// Prints `text` in lines of at most 100 columns, all but the first indented.
static void printWrapped(StringRef text, unsigned indent, unsigned column, raw_ostream &os) {
  SmallVector<StringRef> words;
  text.split(words, ' ');
  for (StringRef word : words) {
    if (column > indent && column + 1 + word.size() > 100) {
      os << "\n";
      os.indent(indent);
      column = indent;
    }
    if (column > indent) {
      os << " ";
      ++column;
    }
    os << word;
    column += word.size();
  }
  os << "\n";
}

static std::string spell(const Option &option) {
  std::string text = option.letter ? std::string("-") + option.letter + ", " : std::string("    ");
  text += "--" + option.name;
  if (!option.metavar.empty())
    text += "=" + option.metavar;
  return text;
}

static void printOption(StringRef spelled, StringRef help, raw_ostream &os) {
  constexpr unsigned helpColumn = 34;
  os << "  " << spelled;
  unsigned column = 2 + spelled.size();
  if (column + 2 > helpColumn) {
    os << "\n";
    column = 0;
  }
  os.indent(helpColumn - column);
  printWrapped(help, helpColumn, helpColumn, os);
}

void bnc::printVerbHelp(const Verb &verb, raw_ostream &os) {
  os << "usage: bnc " << verb.name;
  if (!verb.operand.empty())
    os << " " << (verb.operandRequired ? verb.operand : "[" + verb.operand + "]");
  if (!verb.groups.empty())
    os << " [options]";
  os << "\n\n";
  printWrapped(verb.description, 0, 0, os);
  for (const OptionGroup &group : verb.groups) {
    os << "\n" << group.title << ":\n";
    for (const Option &option : group.options)
      printOption(spell(option), option.help, os);
  }
  os << "\nOther:\n";
  printOption("-h, --help", "Prints this text.", os);
  if (!verb.groups.empty())
    printOption("    --mlir-...",
                "Every printing and timing flag of MLIR, such as --mlir-print-ir-after-all or --mlir-timing.", os);
  if (!verb.examples.empty())
    os << "\nExamples:\n";
  for (const std::string &example : verb.examples)
    os << "  " << example << "\n";
}

void bnc::printOverview(ArrayRef<Verb> verbs, raw_ostream &os) {
  os << "usage: bnc VERB [MODEL] [options]\n\n";
  printWrapped("bnc compiles a neural network with batch normalization into a library that a C or C++ program links: "
               "its training step, its folded inference, and the step from one to the other. MODEL is an .onnx file, "
               "or an .mlir file that bnc printed.",
               0, 0, os);
  os << "\nVerbs:\n";
  size_t width = 0;
  for (const Verb &verb : verbs)
    width = std::max(width, verb.name.size() + 1 + verb.operand.size());
  for (const Verb &verb : verbs) {
    std::string usage = verb.name + (verb.operand.empty() ? "" : " " + verb.operand);
    os << "  " << usage;
    os.indent(width + 2 - usage.size()) << verb.summary << "\n";
  }
  os << "\n'bnc VERB --help' explains a verb and its options; 'bnc --version' prints the version.\n";
}

//===-- Completion -----------------------------------------------------------------===//

static std::string joinedNames(ArrayRef<Verb> verbs) {
  return join(map_range(verbs, [](const Verb &verb) { return verb.name; }), " ");
}

static std::string escapedForZsh(StringRef text) {
  std::string result;
  for (char c : text.split(". ").first) {
    if (c == '\'')
      result += "'\\''";
    else if (c == '[' || c == ']' || c == ':')
      (result += '\\') += c;
    else
      result += c;
  }
  return result;
}

static void printBashCompletion(ArrayRef<Verb> verbs, raw_ostream &os) {
  os << "# bash completion for bnc: eval \"$(bnc completion bash)\"\n"
        "_bnc() {\n"
        "  local word=\"${COMP_WORDS[COMP_CWORD]}\" options=\"\"\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "    COMPREPLY=($(compgen -W \""
     << joinedNames(verbs)
     << " --help --version\" -- \"$word\"))\n"
        "    return\n"
        "  fi\n"
        "  case \"${COMP_WORDS[1]}\" in\n";
  for (const Verb &verb : verbs) {
    os << "  " << verb.name << ") options=\"";
    for (const std::string &name : optionNames(verb)) {
      const Option *option = findOption(verb, [&](const Option &o) { return o.name == name; });
      os << "--" << name << (option && !option->metavar.empty() ? "= " : " ");
    }
    os << "\" ;;\n";
  }
  os << "  esac\n"
        "  case \"$word\" in\n"
        "  -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
        "      case \"${COMPREPLY[0]}\" in *=) compopt -o nospace ;; esac ;;\n"
        "  *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
        "  esac\n"
        "}\n"
        "complete -o filenames -F _bnc bnc\n";
}

static void printZshCompletion(ArrayRef<Verb> verbs, raw_ostream &os) {
  os << "#compdef bnc\n"
        "# zsh completion for bnc: eval \"$(bnc completion zsh)\"\n"
        "_bnc() {\n"
        "  if (( CURRENT == 2 )); then\n"
        "    local -a verbs=(\n";
  for (const Verb &verb : verbs)
    os << "      '" << verb.name << ":" << escapedForZsh(verb.summary) << "'\n";
  os << "    )\n"
        "    _describe verb verbs\n"
        "    return\n"
        "  fi\n"
        "  local verb=$words[2]\n"
        "  shift words; (( CURRENT-- ))\n"
        "  case $verb in\n";
  for (const Verb &verb : verbs) {
    os << "  " << verb.name << ")\n    _arguments";
    for (const OptionGroup &group : verb.groups)
      for (const Option &option : group.options) {
        os << " \\\n      '--" << option.name << (option.metavar.empty() ? "" : "=") << "["
           << escapedForZsh(option.help) << "]";
        if (!option.values.empty())
          os << ":" << option.name << ":(" << join(option.values, " ") << ")";
        else if (!option.metavar.empty())
          os << ":" << option.name << ":_files";
        os << "'";
      }
    os << " \\\n      '--help[Prints help]' '*:file:_files' ;;\n";
  }
  os << "  esac\n}\ncompdef _bnc bnc\n";
}

static void printFishCompletion(ArrayRef<Verb> verbs, raw_ostream &os) {
  auto quoted = [](StringRef text) {
    std::string result = "'";
    for (char c : text.split(". ").first)
      result += c == '\'' ? std::string("\\'") : std::string(1, c);
    return result + "'";
  };
  os << "# fish completion for bnc: bnc completion fish | source\n";
  for (const Verb &verb : verbs) {
    os << "complete -c bnc -n __fish_use_subcommand -f -a " << verb.name << " -d " << quoted(verb.summary) << "\n";
    for (const OptionGroup &group : verb.groups)
      for (const Option &option : group.options) {
        os << "complete -c bnc -n '__fish_seen_subcommand_from " << verb.name << "' -l " << option.name;
        if (option.letter)
          os << " -s " << option.letter;
        if (!option.values.empty())
          os << " -x -a " << quoted(join(option.values, " "));
        else if (!option.metavar.empty())
          os << " -r";
        os << " -d " << quoted(option.help) << "\n";
      }
  }
}

LogicalResult bnc::printCompletion(ArrayRef<Verb> verbs, StringRef shell, raw_ostream &os) {
  static const std::pair<StringLiteral, void (*)(ArrayRef<Verb>, raw_ostream &)> shells[] = {
      {"bash", printBashCompletion}, {"zsh", printZshCompletion}, {"fish", printFishCompletion}};
  for (auto [name, print] : shells)
    if (name == shell) {
      print(verbs, os);
      return success();
    }
  return reportError("no completion for shell '" + shell + "'; expected bash, zsh or fish");
}

//===-- Setters ----------------------------------------------------------------------===//

OptionSetter bnc::setString(std::string &target) {
  return [&target](StringRef value) -> std::string {
    if (value.empty())
      return "a value";
    target = value.str();
    return "";
  };
}

OptionSetter bnc::setFlag(bool &target, bool value) {
  return [&target, value](StringRef) {
    target = value;
    return "";
  };
}

OptionSetter bnc::setInteger(int64_t &target, int64_t minimum) {
  return [&target, minimum](StringRef value) -> std::string {
    int64_t number;
    if (value.getAsInteger(10, number) || number < minimum)
      return "a whole number of at least " + std::to_string(minimum);
    target = number;
    return "";
  };
}

OptionSetter bnc::setUnsigned(uint64_t &target) {
  return
      [&target](StringRef value) { return value.getAsInteger(0, target) ? "a whole number from 0 to 2^64 - 1" : ""; };
}

OptionSetter bnc::setNumber(double &target, double minimum) {
  return [&target, minimum](StringRef value) -> std::string {
    double number;
    if (value.getAsDouble(number) || !std::isfinite(number) || number < minimum)
      return "a number of at least " + formatNumber(minimum);
    target = number;
    return "";
  };
}

OptionSetter bnc::appendString(std::vector<std::string> &target) {
  return [&target](StringRef value) -> std::string {
    if (value.empty())
      return "a value";
    target.push_back(value.str());
    return "";
  };
}

OptionSetter bnc::setNumbers(std::vector<double> &target) {
  return [&target](StringRef value) -> std::string {
    std::vector<double> numbers;
    for (StringRef part : split(value, ',')) {
      double number;
      if (part.trim().getAsDouble(number) || !std::isfinite(number))
        return "numbers separated by commas";
      numbers.push_back(number);
    }
    target = std::move(numbers);
    return "";
  };
}

OptionSetter bnc::setChoice(std::function<void(size_t)> store, std::vector<std::string> names) {
  return [store = std::move(store), names = std::move(names)](StringRef value) -> std::string {
    for (auto [index, name] : enumerate(names))
      if (name == value) {
        store(index);
        return "";
      }
    return "one of " + join(names, ", ");
  };
}
