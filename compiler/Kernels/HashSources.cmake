# cmake -DSOURCES=a;b -DOUTPUT=header.h -P HashSources.cmake: a header with a hash of the sources.
set(text "")
foreach(source ${SOURCES})
  file(SHA256 "${source}" hash)
  string(APPEND text "${hash}\n")
endforeach()
string(SHA256 hash "${text}")
string(SUBSTRING "${hash}" 0 16 hash)
file(WRITE "${OUTPUT}" "// Generated from the sources that kernels follow from.\nstatic constexpr char kKernelSources[] = \"${hash}\";\n")
