#!/usr/bin/env python3
"""What no compiler checks: that the rooms of lib/hale and sim/hale/sim touch neither each other nor the machine where
they must not.

purity   OBJECTS…              no object may need a clock, a thread, a socket, a process, a file or true randomness
statics  OBJECTS…              no object may hold memory that changes and outlives a run
rooms    ROOT ROOM:ABOVE,… …   a file of a room includes only that room and those above it; ROOT holds lib and sim
bans     ROOT                  headers and types that make runs differ or hide state
awaits   BUILD ROOT [FILE…]    the co_await expressions that GCC 12 compiles wrongly
Each prints what it found, one a line, and exits 1 if that is anything; 77 where it cannot run.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

FORBIDDEN = re.compile(
    r"^(std::chrono::.*clock::now\(|std::random_device|std::thread|std::this_thread|std::jthread|std::filesystem|"
    r"std::basic_[io]?fstream|std::ios_base::Init|asio::|"
    r"(clock_\w+|nanosleep|usleep|sleep|time|gettimeofday|timer_\w+|timerfd_\w+|"
    r"s?rand|s?random|[dlmn]rand48|getrandom|getentropy|arc4random\w*|"
    r"pthread_create|thrd_create|socket|socketpair|bind|connect|listen|accept4?|send|sendto|sendmsg|recv|recvfrom|"
    r"recvmsg|poll|ppoll|p?select|epoll_\w+|eventfd|signalfd|inotify_\w+|"
    r"v?fork|clone3?|execv?[elp]*|posix_spawn\w*|wait|waitpid|waitid|kill|killpg|pidfd_\w+|getpid|getppid|gettid|"
    r"syscall|system|popen|sigaction|signal|raise|open(at)?(64)?|creat|fopen(64)?|read|pread|write|pwrite|close|unlink|"
    r"rename|mkdir|stat|fstat|getenv|secure_getenv|setenv)(@.*)?$)")

# What the compiler and libraries keep, and objects of ours that never change once made, but are made on first use.
NOT_STATE = re.compile(r"DW\.ref\.|(guard variable for )?(std|fmt|nlohmann|toml|hale::hale_category\(\))::")

BANNED = [
    (re.compile(r"#\s*include\s*<(iostream|regex|unordered_map|unordered_set|random)>"), set()),
    (re.compile(r"#\s*include\s*<(thread|mutex|future|condition_variable|fstream|filesystem|unistd\.h|fcntl\.h|poll\.h|"
                r"pthread\.h|sys/[\w.]+|netinet/[\w.]+|arpa/[\w.]+)>"), {"os"}),
    (re.compile(r"#\s*include\s*<asio[\w./]*>"), {"os", "async/asio.hpp"}),
    (re.compile(r"std::(unordered_\w+|regex|random_device|mt19937\w*|\w+_int_distribution|\w+_real_distribution|"
                r"default_random_engine)\b"), set()),
    (re.compile(r"std::(map|set|multimap|multiset)<\s*[\w:<> ]*\*"), set()),
    (re.compile(r"\b(static|inline)\s+thread_local\b|\bthread_local\b"), {"os"}),
]

AWAIT_QUERY = (
    'set output diag\nset bind-root true\nmatch expr(anyOf(initListExpr(hasDescendant(coawaitExpr())), '
    'coawaitExpr(anyOf(hasDescendant(lambdaExpr()), hasDescendant(cxxStdInitializerListExpr()), '
    'hasDescendant(initListExpr()), hasDescendant(conditionalOperator()), '
    'hasDescendant(cxxBindTemporaryExpr(has(cxxTemporaryObjectExpr('
    'hasDeclaration(cxxConstructorDecl(unless(isUserProvided()))))))))), '
    'binaryOperator(hasAnyOperatorName("&&","||"), hasDescendant(coawaitExpr()))), '
    'isExpansionInFileMatching("^%s/(lib|sim|tools|tests|fuzz)/"))\n')


def objects_of(arguments):
    """Object files by name, or from @FILE, one a line."""
    for argument in arguments:
        if argument.startswith("@"):
            yield from filter(None, pathlib.Path(argument[1:]).read_text().split("\n"))
        else:
            yield argument


def nm(*options):
    return subprocess.run(["nm", *options], check=True, capture_output=True, text=True).stdout.splitlines()


def purity(arguments):
    for path in objects_of(arguments):
        for line in nm("-u", "-C", path):
            symbol = line.strip().split(" ", 1)[-1]
            if FORBIDDEN.match(symbol):
                yield f"{path}: needs {symbol}"


def statics(arguments):
    for path in objects_of(arguments):
        for line in nm("-C", "--format=sysv", path):
            fields = [field.strip() for field in line.split("|")]
            if len(fields) < 7 or not re.match(r"\.(bss|data|tbss|tdata)(?!\.rel\.ro)", fields[6]):
                continue
            if not NOT_STATE.match(fields[0]):
                yield f"{path}: {fields[0]} in {fields[6]}"


def without_comments(text):
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    return re.sub(r"//[^\n]*|/\*.*?\*/", blank, text, flags=re.S)


def room_of(below_hale):
    """The room of a path as it is included, below hale/: heal/spec.hpp is heal's, sim/core/tape.hpp sim_core's."""
    folders = below_hale.split("/")[:-1]
    if folders[:1] == ["sim"] and len(folders) > 1:
        return f"sim_{folders[1]}"
    return folders[0] if folders and folders != ["sim"] else None


def sources(root):
    for tree in ("lib", "sim"):
        top = pathlib.Path(root) / tree / "hale"
        for path in sorted(top.rglob("*")):
            if path.suffix in (".hpp", ".cpp"):
                yield room_of(path.relative_to(top).as_posix()), path, without_comments(path.read_text())


def rooms(arguments):
    allowed = {room: {room, *filter(None, above.split(","))} for room, above in (a.split(":") for a in arguments[1:])}
    for room, path, text in sources(arguments[0]):
        if room is None:
            continue
        if room not in allowed:
            yield f"{path}: no such room"
            continue
        for number, line in enumerate(text.split("\n"), 1):
            found = re.match(r'\s*#\s*include\s*["<]hale/([\w./]+)[">]', line)
            # A header beside the rooms shows what those below them can do: to include it is to include the machine.
            if found and (room_of(found[1]) or "os") not in allowed[room]:
                yield f"{path}:{number}: {room} may not include {room_of(found[1]) or 'hale/' + found[1]}"
            elif re.match(r'\s*#\s*include\s*"(?!hale/)', line):
                yield f"{path}:{number}: write the path from hale/"


def bans(arguments):
    for room, path, text in sources(arguments[0]):
        for number, line in enumerate(text.split("\n"), 1):
            for pattern, exempt in BANNED:
                if not exempt & {room, f"{room}/{path.name}"} and pattern.search(line):
                    yield f"{path}:{number}: {line.strip()}"


def query_awaits(tool, build, root, path):
    query = AWAIT_QUERY % re.escape(root).replace("\\-", "-")
    script = pathlib.Path(build) / "awaits.query"
    script.write_text(query)
    run = subprocess.run(
        [tool, "-p", build, "--extra-arg=-Wno-everything", "--extra-arg=-DASIO_HAS_CO_AWAIT", "-f", script, path],
        capture_output=True, text=True, timeout=300)
    output = run.stdout + run.stderr
    if run.returncode != 0 or "error:" in output:
        return [f"{path}: {tool} cannot read it: {next(iter(re.findall(r'.*error:.*', output)), output[-300:])}"]
    found = re.findall(r'^(/\S+:\d+:\d+): note: "root" binds here', output, flags=re.M)
    return [f"{at}: GCC 12 compiles this co_await wrongly; name its argument first" for at in found]


def awaits(arguments):
    build, root, *only = arguments
    tool = next(filter(None, map(shutil.which, ("clang-query-14", "clang-query"))), None)
    if tool is None:
        print("skipped: clang-query is not installed (clang-tools-14)")
        sys.exit(77)
    known = {entry["file"] for entry in json.loads((pathlib.Path(build) / "compile_commands.json").read_text())}
    awaited = lambda path: path.endswith(".cpp") and "co_await" in pathlib.Path(path).read_text()
    paths = only or sorted(path for path in known if path.startswith(root) and "/culprits/" not in path and awaited(path))
    found = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for lines in pool.map(lambda path: query_awaits(tool, build, root, path), paths):
            found.update(lines)
    print(f"{len(paths)} files with co_await")
    yield from sorted(found)


def main():
    gates = {"purity": purity, "statics": statics, "rooms": rooms, "bans": bans, "awaits": awaits}
    if len(sys.argv) < 3 or sys.argv[1] not in gates:
        sys.exit(__doc__)
    found = list(gates[sys.argv[1]](sys.argv[2:]))
    print("\n".join([*found, f"{len(found)} found"]))
    sys.exit(1 if found else 0)


main()
