# llhttp, Node's HTTP parser, as the C sources that Debian's node-llhttp installs. Gives Llhttp_SOURCES and
# Llhttp_INCLUDE_DIR.
find_path(Llhttp_INCLUDE_DIR llhttp/llhttp.h PATHS /usr/share/include)
find_path(Llhttp_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Llhttp REQUIRED_VARS Llhttp_INCLUDE_DIR Llhttp_SOURCE_DIR)
if(Llhttp_FOUND)
  set(Llhttp_SOURCES "${Llhttp_SOURCE_DIR}/llhttp.c" "${Llhttp_SOURCE_DIR}/api.c" "${Llhttp_SOURCE_DIR}/http.c")
endif()
mark_as_advanced(Llhttp_INCLUDE_DIR Llhttp_SOURCE_DIR)
