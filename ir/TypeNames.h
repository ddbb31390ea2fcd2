//===- TypeNames.h - traits keep their names across compilers -----*- C++ -*-===//
//
// MLIR tells op traits apart by the name the compiler gives Trait<Empty>, Empty being local to TypeID::get. Debian's
// libMLIR is built by Clang, which calls it Empty; GCC writes where it is local to. Without this header a trait that
// libMLIR asks one of our ops about (or we one of its) is never found: a module is no symbol table, bnc.return no
// terminator. It is included before everything else (target bnc_mlir), because every translation unit must agree.
//
//===----------------------------------------------------------------------===//

#ifndef IR_TYPENAMES_H
#define IR_TYPENAMES_H

#include "mlir/Support/TypeID.h"

#include <string>

#if !defined(__clang__)
namespace mlir::detail {

/// `name` as Clang writes it: "ns::Trait<...::Empty>" becomes "ns::Trait<Empty>"; any other name stays.
inline std::string getClangTraitName(llvm::StringRef name) {
  if (!name.ends_with("::Empty>"))
    return name.str();
  size_t depth = 0, open = name.size();
  do {
    --open;
    depth += name[open] == '>' ? 1 : name[open] == '<' ? -1 : 0;
  } while (depth != 0 && open != 0);
  return name.take_front(open).str() + "<Empty>";
}

template <template <typename> class Trait, typename Arg>
class TypeIDResolver<Trait<Arg>,
                     std::enable_if_t<!InlineTypeIDResolver::has_resolve_typeid<Trait<Arg>>::value>>
    : public FallbackTypeIDResolver {
public:
  static TypeID resolveTypeID() {
    // The registry keeps the reference, as long as the process lives.
    static const std::string *name = new std::string(getClangTraitName(llvm::getTypeName<Trait<Arg>>()));
    static TypeID id = registerImplicitTypeID(*name);
    return id;
  }
};

} // namespace mlir::detail
#endif

#endif // IR_TYPENAMES_H
