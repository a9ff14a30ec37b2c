// One HTTP request on a fresh connection, for probes and hooks. The caller connects (a refusal is seen there) and
// closes. What the error says of the server:
//   errc::timed_out   connected, and no whole answer in time: hung, or dripping
//   errc::closed      it closed before its answer was whole
//   errc::malformed   it answered something that is not HTTP/1; or the request itself cannot be written
//   errc::too_large   its header has no end
//   an errno          the connection broke (ECONNRESET, EPIPE)
// A body beyond the bound is no error: it is cut, and body_truncated says so.
#pragma once

#include "hale/wire/http_message.hpp"
#include "hale/world/network.hpp"

namespace hale {

/// Returns as soon as the response is complete or its body cut. `over` outlives the call.
task<result<http_response>> http_exchange(byte_stream& over, http_request request, http_limits limits, deadline limit);

}  // namespace hale
