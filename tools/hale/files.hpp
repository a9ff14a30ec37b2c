// Small files, whole.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "hale/base/error.hpp"
#include "hale/base/result.hpp"

namespace hale::cli {

/// Makes `path` and what is missing above it. Success when it is a directory already.
std::error_code make_directories(const std::string& path, mode_t mode);
result<std::string> real_path(const std::string& path);
/// At most `limit` bytes; nothing when it cannot be read.
std::optional<std::string> read_file(const std::string& path, std::size_t limit);
/// Mode 0600, replacing what the file held.
std::error_code write_file(const std::string& path, std::string_view text);
/// `path` and everything below it; links are removed, not followed.
void remove_tree(const std::string& path);

}  // namespace hale::cli
