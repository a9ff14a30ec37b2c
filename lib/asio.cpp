// Asio's own code, compiled once for the whole library.
#include <asio/impl/src.hpp>
