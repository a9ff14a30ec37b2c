// `result<T>`: a value or the reason there is none. For errors a caller can act on; broken promises are assertions.
#pragma once

#include <cassert>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace hale {

template <class T, class Error = std::error_code>
class [[nodiscard]] result {
 public:
  result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  result(Error error) requires(!std::is_same_v<T, Error>) : held_(std::in_place_index<1>, std::move(error)) {}
  template <class Enum, class = std::enable_if_t<std::is_error_code_enum_v<Enum> && std::is_same_v<Error, std::error_code>>>
  result(Enum code) : held_(std::in_place_index<1>, make_error_code(code)) {}

  /// The same by name, also where value and error are of one type.
  static result failure(Error error) { return result(std::in_place_index<1>, std::move(error)); }

  bool has_value() const noexcept { return held_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { assert(has_value()); return *std::get_if<0>(&held_); }
  const T& value() const& { assert(has_value()); return *std::get_if<0>(&held_); }
  T&& value() && { assert(has_value()); return std::move(*std::get_if<0>(&held_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// REQUIRES: !has_value()
  const Error& error() const { assert(!has_value()); return *std::get_if<1>(&held_); }
  /// The error, or a default one (success, for error codes) where there is a value.
  Error error_or_none() const { return has_value() ? Error{} : error(); }

 private:
  result(std::in_place_index_t<1> as_error, Error error) : held_(as_error, std::move(error)) {}

  std::variant<T, Error> held_;
};

}  // namespace hale
