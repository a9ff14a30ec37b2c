# Compiler settings that every target of hale shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(HALE_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=…")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

add_library(hale_warnings INTERFACE)
target_compile_options(hale_warnings INTERFACE -Wall -Wextra -Wpedantic
                                               -Wconversion -Wno-sign-conversion)
if(HALE_DEVELOPER)
  target_compile_options(hale_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 takes the frames of inlined coroutines and std::optional members for uninitialised.
  target_compile_options(hale_warnings INTERFACE -Wshadow=local -Wno-maybe-uninitialized)
  # And when it optimises, string concatenation for an overlapping copy (its bug 105651).
  target_compile_options(hale_warnings INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:-Wno-restrict>)
else()
  target_compile_options(hale_warnings INTERFACE -Wshadow)
endif()

if(HALE_SANITIZE)
  add_compile_options(-fsanitize=${HALE_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${HALE_SANITIZE})
  if(HALE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Asio's fences, which GCC's thread sanitizer does not follow
  endif()
  if(HALE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# Where mold is at hand, links cost next to nothing.
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()
