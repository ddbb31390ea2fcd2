# bnc_add_model(TARGET MODEL FILE [NAME NAME] [WEIGHTS FILE] [OPTIONS OPTION...])
#
# Compiles a model while the project is built. TARGET is a library to link: it brings the folder of NAME.h, libNAME.a
# and bnc::runtime. Everything is made again when the model, a file that holds its values, or bnc itself changes.
#
#   NAME     prefix of the C functions and files; default: the model file's name, made a C identifier
#   WEIGHTS  a .safetensors file whose values replace the model's
#   OPTIONS  more options of `bnc compile`
#
# Relative paths start at the current source folder. The target's property BNC_WEIGHTS is the path of the weights file
# that is made (none with --embed-weights). The compiler is bnc::bnc; where only the runtime was built, as it is for
# another machine, set BNC_EXECUTABLE to one that runs here.
function(bnc_add_model target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "MODEL;NAME;WEIGHTS" "OPTIONS")
  if(DEFINED arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "bnc_add_model(${target}): unexpected argument '${arg_UNPARSED_ARGUMENTS}'; "
      "options of bnc compile come after OPTIONS")
  endif()
  if(NOT DEFINED arg_MODEL)
    message(FATAL_ERROR "bnc_add_model(${target}): MODEL is missing; give it the model file")
  endif()
  foreach(file MODEL WEIGHTS)
    if(DEFINED arg_${file})
      cmake_path(ABSOLUTE_PATH arg_${file} BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" NORMALIZE)
    endif()
  endforeach()
  if(NOT DEFINED arg_NAME)
    cmake_path(GET arg_MODEL STEM LAST_ONLY arg_NAME)
  endif()
  string(MAKE_C_IDENTIFIER "${arg_NAME}" name)

  if(BNC_EXECUTABLE)
    set(compiler "${BNC_EXECUTABLE}")
  elseif(TARGET bnc::bnc)
    set(compiler $<TARGET_FILE:bnc::bnc>)
  else()
    message(FATAL_ERROR "bnc_add_model(${target}): this package has no compiler; set BNC_EXECUTABLE to a bnc "
      "that runs on this machine")
  endif()

  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.bnc")
  set(library "${folder}/lib${name}.a")
  file(MAKE_DIRECTORY "${folder}")
  set(weights)
  if(DEFINED arg_WEIGHTS)
    set(weights "--weights=${arg_WEIGHTS}")
  endif()
  add_custom_command(
    OUTPUT "${library}" "${folder}/${name}.h"
    COMMAND "${compiler}" compile "${arg_MODEL}" -o "${folder}" "--name=${name}" ${weights}
      "--depfile=${library}.d" ${arg_OPTIONS}
    DEPENDS "${arg_MODEL}" ${arg_WEIGHTS} "${compiler}"
    DEPFILE "${library}.d"
    COMMENT "Compiling model ${name}"
    VERBATIM)
  add_custom_target(${target}_compile DEPENDS "${library}" "${folder}/${name}.h")

  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_compile)
  target_include_directories(${target} INTERFACE "${folder}")
  target_link_libraries(${target} INTERFACE "${library}" bnc::runtime)
  set_target_properties(${target} PROPERTIES BNC_WEIGHTS "${folder}/${name}.safetensors")
endfunction()
