// The page of a timeline before anything is put into it: timeline_page.html, made part of the program when it is built.
#pragma once

#include <string_view>

namespace hale::sim {

/// Each <!--hale:NAME--> in it is a place for render_timeline to fill.
std::string_view timeline_page() noexcept;

}  // namespace hale::sim
