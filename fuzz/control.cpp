// Requests of any kind to the control API, all under way at once, while events happen and lines are logged. Each is
// answered once: as the route promises, or with one line that says why not; nobody who may not is obeyed, no secret is
// told, and all of them end when the followers are ended. Choices: who asks, how commands go, what happens meanwhile.
// Requests are the parts of the text: "METHOD TARGET", fields, an empty line, the body.
#include <memory>
#include <string>
#include <vector>

#include "hale/control/control_api.hpp"
#include "hale/control/control_client.hpp"
#include "hale/record/event_json.hpp"
#include "hale/record/status_json.hpp"
#include "kit/check.hpp"
#include "kit/input.hpp"
#include "unit/control/control_support.hpp"

namespace {

using namespace hale;
using namespace std::chrono_literals;

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

http_request read_request(std::string_view text) {
  const std::string_view first = take_line(text);
  const std::size_t space = std::min(first.find(' '), first.size());
  http_request made(std::string(first.substr(0, space)), std::string(first.substr(std::min(space + 1, first.size()))));
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) break;
    const std::size_t colon = std::min(line.find(':'), line.size());
    made.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(std::min(colon + 2, line.size()))));
  }
  made.body = text;
  return made;
}

/// The only ways to be let in: by user over a unix socket, by token over TCP.
enum class caller { owner, stranger, nobody, with_token };

control_access access_for(caller who) {
  return who == caller::with_token ? control_access::for_token("s3cret", "10.0.0.1") : control_access::for_user(1000);
}

http_peer peer_for(caller who) {
  http_peer peer;
  if (who == caller::owner) peer.user = 1000;
  if (who == caller::stranger) peer.user = 1001;
  return peer;
}

struct conversation {
  conversation(test::manual_executor& on, control_api& api, http_request request, http_peer peer)
      : command(read_command(request)), driven(on, api.handle(std::move(request), reply, peer)) {}

  result<control_command, control_error> command;
  test::fake_responder reply;
  root<void> driven;
};

void check_command(const control_command& read) {
  CHECK(read.lines <= max_log_lines);
  CHECK(read.took >= 0s && read.took <= max_reported_request);
  CHECK(read.action != control_action::heartbeat_port || read.port != 0);
  CHECK(read.name.find('\0') == std::string::npos && read.name.size() <= 8 * 1024);
}

void check_refusal(const http_response& response) {
  constexpr std::array<int, 8> refusals = {400, 403, 404, 405, 409, 501, 503};
  CHECK(std::find(refusals.begin(), refusals.end(), response.status) != refusals.end());
  CHECK((response.status == 405) == (response.headers.find("Allow") != nullptr));
  CHECK(response.body.starts_with("{\"error\":\"") && response.body.ends_with("\"}\n"));
  CHECK(response.body.size() < 8 * 1024);
  CHECK(!error_message(response).starts_with("the supervisor answered"));
}

template <class Check>
std::size_t each_line(std::string_view body, Check&& check) {
  std::size_t lines = 0;
  CHECK(body.empty() || body.back() == '\n');
  for (; !body.empty(); ++lines) check(take_line(body));
  return lines;
}

// `told` events had happened when it was asked for. One who asks for what comes after the end gets what comes next.
void check_events(std::string_view body, const control_command& asked, std::uint64_t told) {
  const auto* after = std::get_if<std::uint64_t>(&asked.since);
  std::uint64_t last = after != nullptr ? std::min(*after, told) : 0;
  each_line(body, [&](std::string_view line) {
    if (parse_gap(line)) return;
    const auto what = parse_event(line);
    CHECK(what.has_value() && what->cluster == "models");
    CHECK(what->what.sequence > last && (asked.follow || what->what.sequence <= told));
    last = what->what.sequence;
  });
}

void check_success(const http_response& response, const control_command& asked, std::uint64_t told) {
  switch (asked.action) {
    case control_action::status: CHECK(parse_status(response.body).has_value()); break;
    case control_action::events: check_events(response.body, asked, told); break;
    case control_action::log: {
      const std::size_t lines = each_line(response.body, [](std::string_view line) { CHECK(line.size() > 30); });
      CHECK(asked.follow || lines <= asked.lines);
      break;
    }
    default: CHECK(response.body == "{\"ok\":true}\n"); break;
  }
}

void check_answer(const conversation& held, std::string_view all_asked, std::uint64_t told) {
  CHECK(held.driven.done());
  CHECK(held.reply.answers == 1);
  const http_response& response = held.reply.response;
  CHECK(serialise(response, http_framing::length).has_value());
  for (const std::string_view secret : {"hunter2", "s3cret"}) {
    const bool known = all_asked.find(secret) != std::string_view::npos;
    CHECK(known || response.body.find(secret) == std::string::npos);
  }
  if (response.status != 200 && response.status != 202) return check_refusal(response);
  CHECK(held.command.has_value());
  check_command(*held.command);
  check_success(response, *held.command, told);
}

void tell_some(test::control_fixture& cluster, std::uint64_t count) {
  const std::uint64_t next = cluster.events.next();
  cluster.tell(next, next + count - 1);
}

void let_things_happen(test::control_fixture& cluster, fuzz::input& in) {
  for (int round = 0; round < 2; ++round) {
    tell_some(cluster, 8 * in.choose(3));
    for (std::size_t left = 3 * in.choose(3); left > 0; --left) cluster.say("llama-1", "said \xff\x1b[31m on the way");
    cluster.executor.run_for(std::chrono::seconds(in.choose(3)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in(data, size);
  const auto who = static_cast<caller>(in.choose(4));
  test::control_fixture cluster;
  control_api api(cluster.time, cluster.target, cluster.events, cluster.logs, access_for(who));
  cluster.target.commands_take_long = in.flip();
  cluster.target.answer.status = static_cast<command_result::outcome>(in.choose(4));
  if (in.flip()) cluster.target.answer.message = "no \"way\"\n\xff";
  const bool peers_leave = in.flip();
  const std::uint64_t told = 8 * in.choose(3);
  tell_some(cluster, told);

  std::vector<std::unique_ptr<conversation>> held;
  for (const std::string_view part : in.parts(64)) {
    const std::size_t asked = cluster.target.asked.size();
    held.push_back(std::make_unique<conversation>(cluster.executor, api, read_request(part), peer_for(who)));
    cluster.executor.run_ready();
    const bool refused = held.back()->reply.response.status == 403 && held.back()->reply.answers == 1;
    if (refused || who == caller::stranger || who == caller::nobody) CHECK(cluster.target.asked.size() == asked);
    if (who == caller::stranger || who == caller::nobody) CHECK(refused);
  }
  CHECK(api.following().count() <= control_api::max_followers);
  let_things_happen(cluster, in);
  for (const auto& each : held) each->reply.gone = peers_leave;
  cluster.executor.run_for(2s);
  cluster.target.finish();
  api.following().end();
  cluster.executor.run_for(1s);
  for (const auto& each : held) check_answer(*each, in.text(), told);
  return 0;
}
