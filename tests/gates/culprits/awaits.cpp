// The shapes that GCC 12 compiles wrongly and still accepts; the gate on co_await must find them. Compiled, never run.
#include <string>

#include "hale/async/task.hpp"

namespace {

struct options {
  std::string name;
  int count = 0;
};
hale::task<int> take(options given) { co_return given.count; }
hale::task<bool> yes() { co_return true; }

}  // namespace

hale::task<int> aggregate_argument() { co_return co_await take(options{"a", 1}); }

hale::task<int> conditional_argument(bool which) {
  co_return co_await take(which ? options{"a", 1} : options{"b", 2});
}

hale::task<bool> joined_by_and() {
  const bool both = co_await yes() && co_await yes();
  co_return both;
}

hale::task<int> method_of_a_temporary() {
  struct counter {
    std::string name;
    hale::task<int> count() { co_return static_cast<int>(name.size()); }
  };
  co_return co_await counter{}.count();
}

hale::task<int> capturing_lambda(int one) {
  co_return co_await [one]() -> hale::task<int> { co_return one; }();
}
