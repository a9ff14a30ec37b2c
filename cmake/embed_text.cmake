# Writes a C++ source that holds a file's bytes: cmake -DFILE=… -DOUTPUT=… -DHEADER=… -DNAMESPACE=… -DNAME=… -P this.
# HEADER declares `std::string_view NAME() noexcept` in NAMESPACE. Single bytes, since compilers limit the length of a
# literal and look into its encoding.
cmake_minimum_required(VERSION 3.25)
file(READ "${FILE}" bytes HEX)
string(REPEAT "[0-9a-f]" 64 line)
string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
get_filename_component(name "${FILE}" NAME)
file(WRITE "${OUTPUT}" "// ${name}, written by embed_text.cmake.
#include \"${HEADER}\"

namespace {

constexpr char bytes[] = {
${bytes}};

}  // namespace

std::string_view ${NAMESPACE}::${NAME}() noexcept { return std::string_view(bytes, sizeof bytes); }
")
