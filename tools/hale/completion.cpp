// hale completion: scripts for shells. Names of instances and services are asked from the running supervisor as they
// are needed.
#include "commands.hpp"
#include "terminal.hpp"

namespace hale::cli {
namespace {

constexpr std::string_view bash_script = R"sh(# hale completion for bash: eval "$(hale completion bash)"
_hale() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb= i
  local verbs="run check status start stop restart logs events heartbeat report-request sim demo completion"
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case ${COMP_WORDS[i]} in
      --state|--name) ((++i)) ;;
      -*) ;;
      *) verb=${COMP_WORDS[i]}; break ;;
    esac
  done
  case $previous in
    --state) COMPREPLY=($(compgen -d -- "$word")); return ;;
    --tape|--record|--timeline) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  local options="--state --name --help" names=
  case $verb in
    "") COMPREPLY=($(compgen -W "$verbs $options --version" -- "$word")); return ;;
    run) options+=" --count --names --base-port --port-offset --health --env --" ;;
    status) options+=" --json --watch" ;;
    start|restart) options+=" --all --no-wait"; names=1 ;;
    stop) options+=" --all"; names=1 ;;
    logs) options+=" -f -n"; names=1 ;;
    events) options+=" -f --since --json" ;;
    heartbeat|report-request) names=1 ;;
    sim) options+=" --seed --seeds --duration --faults --quiet-after --timeline --tape --record --shrink --json" ;;
    demo) options+=" --for" ;;
    completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")); return ;;
  esac
  if [[ $verb == run || $verb == check || $verb == sim ]] && [[ $word != -* ]]; then
    COMPREPLY=($(compgen -f -X '!*.toml' -- "$word") $(compgen -d -- "$word"))
    return
  fi
  if [[ -n $names && $word != -* ]]; then
    names=$(hale status --json 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4)
  else
    names=
  fi
  COMPREPLY=($(compgen -W "$options $names" -- "$word"))
}
complete -F _hale hale
)sh";

constexpr std::string_view zsh_script = R"sh(#compdef hale
# hale completion for zsh: eval "$(hale completion zsh)"
_hale_names() {
  local -a names
  names=(${(f)"$(hale status --json 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4)"})
  compadd -a names
}
_hale() {
  local -a verbs
  verbs=(
    'run:start a cluster and keep it alive' 'check:say what is wrong with a cluster file'
    'status:show every instance' 'start:start instances or services' 'stop:stop instances or services'
    'restart:restart instances or services' 'logs:show what instances print' 'events:show what happened and why'
    'heartbeat:say that an instance is alive' 'report-request:report one request'
    'sim:put a cluster file through chaos in simulated time'
    'demo:watch model servers fail and be healed' 'completion:print a completion script')
  local context state line
  _arguments -C '--state[state directory]:directory:_files -/' '--name[cluster name]:name:' '--version' '--help' \
    '1:subcommand:->verb' '*::argument:->rest'
  case $state in
    verb) _describe subcommand verbs ;;
    rest)
      case $line[1] in
        run) _arguments '--count:number:' '--names:names:' '--base-port:port:' '--port-offset:step:' '--health:path:' \
               '*--env:NAME=VALUE:' '*:file:_files -g "*.toml"' ;;
        check) _arguments '1:file:_files -g "*.toml"' ;;
        status) _arguments '--json' '--watch' ;;
        start|restart) _arguments '--all' '--no-wait' '*:name:_hale_names' ;;
        stop) _arguments '--all' '*:name:_hale_names' ;;
        logs) _arguments '-f' '-n:lines:' '1:name:_hale_names' ;;
        events) _arguments '-f' '--since:time:' '--json' ;;
        heartbeat) _arguments '1:name:_hale_names' ;;
        report-request) _arguments '1:name:_hale_names' '2:duration:' '3:outcome:(ok fail)' ;;
        sim) _arguments '--seed:seed:' '--seeds:number:' '--duration:duration:' '--faults:names:' \
               '--quiet-after:percent:' '--timeline:file:_files' '--tape:file:_files' '--record:file:_files' \
               '--shrink' '--json' '*:file:_files -g "*.toml"' ;;
        demo) _arguments '--for:duration:' ;;
        completion) _arguments '1:shell:(bash zsh fish)' ;;
      esac ;;
  esac
}
compdef _hale hale
)sh";

constexpr std::string_view fish_script = R"sh(# hale completion for fish: hale completion fish | source
function __hale_names
  hale status --json 2>/dev/null | string match -ar '"name":"[^"]*"' | string replace -r '"name":"(.*)"' '$1'
end
set -l verbs run check status start stop restart logs events heartbeat report-request sim demo completion
complete -c hale -l state -x -a '(__fish_complete_directories)' -d 'State directory'
complete -c hale -l name -x -d 'Cluster name'
complete -c hale -l help -d 'Help'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -l version -d 'Version'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a run -d 'Start a cluster and keep it alive'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a check -d 'Say what is wrong with a cluster file'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a status -d 'Show every instance'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a 'start stop restart' -d 'Instances or services'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a logs -d 'Show what instances print'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a events -d 'Show what happened and why'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a heartbeat -d 'Say that an instance is alive'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a report-request -d 'Report one request'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a sim -d 'Simulated chaos'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a demo -d 'Watch model servers fail and be healed'
complete -c hale -f -n "not __fish_seen_subcommand_from $verbs" -a completion -d 'Print a completion script'
complete -c hale -n "__fish_seen_subcommand_from run" -l count -x
complete -c hale -n "__fish_seen_subcommand_from run" -l names -x
complete -c hale -n "__fish_seen_subcommand_from run" -l base-port -x
complete -c hale -n "__fish_seen_subcommand_from run" -l port-offset -x
complete -c hale -n "__fish_seen_subcommand_from run" -l health -x
complete -c hale -n "__fish_seen_subcommand_from run" -l env -x
complete -c hale -f -n "__fish_seen_subcommand_from status" -l json
complete -c hale -f -n "__fish_seen_subcommand_from status" -l watch
complete -c hale -f -n "__fish_seen_subcommand_from start stop restart heartbeat report-request logs" -a '(__hale_names)'
complete -c hale -f -n "__fish_seen_subcommand_from start stop restart" -l all
complete -c hale -f -n "__fish_seen_subcommand_from start restart" -l no-wait
complete -c hale -f -n "__fish_seen_subcommand_from logs events" -s f
complete -c hale -f -n "__fish_seen_subcommand_from logs" -s n -x
complete -c hale -f -n "__fish_seen_subcommand_from events" -l since -x
complete -c hale -f -n "__fish_seen_subcommand_from events" -l json
complete -c hale -n "__fish_seen_subcommand_from sim" -l seed -x
complete -c hale -n "__fish_seen_subcommand_from sim" -l seeds -x
complete -c hale -n "__fish_seen_subcommand_from sim" -l duration -x
complete -c hale -n "__fish_seen_subcommand_from sim" -l faults -x
complete -c hale -n "__fish_seen_subcommand_from sim" -l quiet-after -x
complete -c hale -n "__fish_seen_subcommand_from sim" -l timeline -r
complete -c hale -n "__fish_seen_subcommand_from sim" -l tape -r
complete -c hale -n "__fish_seen_subcommand_from sim" -l record -r
complete -c hale -f -n "__fish_seen_subcommand_from sim" -l shrink
complete -c hale -f -n "__fish_seen_subcommand_from sim" -l json
complete -c hale -f -n "__fish_seen_subcommand_from demo" -l for -x
complete -c hale -f -n "__fish_seen_subcommand_from completion" -a 'bash zsh fish'
)sh";

}  // namespace

int execute(const completion_command& command, const command_line&) {
  if (command.shell == "bash") print(bash_script);
  if (command.shell == "zsh") print(zsh_script);
  if (command.shell == "fish") print(fish_script);
  return exit_done;
}

}  // namespace hale::cli
