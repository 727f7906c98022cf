#!/bin/bash
# Installs the Debian packages that a target needs and the machine lacks, and says what and why.
#
#   tests/tools/install.sh GROUP...     build shell tour test mutants clang lint coverage fuzz valgrind plot peers more-peers rocksdb
#
# NO_INSTALL=1: only reports what is missing; exit code 0, and the caller goes on with what there
# is. Otherwise exit code 1 when something could not be installed.
set -u

# package, the file or command that shows it is there, why
table() {
    case $1 in
    build)
        echo "gcc command:cc the C compiler"
        echo "libxxhash-dev header:xxhash.h checksums (XXH3)"
        echo "liblz4-dev header:lz4.h packed blocks (LZ4)"
        ;;
    shell) echo "libedit-dev header:histedit.h the shell's line editor (without it: plain lines)" ;;
    tour) echo "unicode-data file:/usr/share/unicode/UnicodeData.txt the tour's data: the Unicode character database" ;;
    test)
        echo "libcmocka-dev header:cmocka.h the test framework"
        echo "g++ command:g++ the header is compiled as C++ too"
        echo "util-linux command:setpriv tests as an unprivileged user"
        echo "python3 command:python3 tests of what is typed on a terminal"
        echo "pkg-config command:pkg-config a program is built with the installed library"
        echo "mandoc command:mandoc the man pages are well-formed"
        echo "lmdb-utils command:mdb_load LMDB's dumps are read, and ours by LMDB"
        echo "db-util command:db_load Berkeley DB's likewise"
        ;;
    clang) echo "clang command:clang the second compiler" ;;
    lint)
        echo "clang-format command:clang-format the code's layout"
        echo "cppcheck command:cppcheck static analysis"
        ;;
    coverage) printf "%s\n" "gcc-12 command:gcov-12 the compiler whose branches are counted" "lcov command:lcov coverage as pages" ;;
    mutants) echo "patch command:patch puts known bugs into a copy of the code" ;;
    fuzz)
        echo "afl++ command:afl-fuzz the fuzzer"
        echo "libclang-rt-dev file:$(clang -print-resource-dir 2>/dev/null || echo /usr/lib/clang/0)/lib/linux/libclang_rt.asan-x86_64.a clang's sanitizers"
        echo "llvm command:llvm-cov what a corpus covers, and names in stacks"
        ;;
    plot) echo "gnuplot-nox command:gnuplot plots" ;;
    rocksdb) echo "librocksdb-dev header:rocksdb/c.h likewise, optional" ;;
    peers) echo "libleveldb-dev header:leveldb/c.h what the benchmarks compare with" ;;
    valgrind) echo "valgrind command:valgrind instructions are counted; memory errors and leaks" ;;
    more-peers)
        echo "liblmdb-dev header:lmdb.h likewise, optional"
        echo "libsqlite3-dev header:sqlite3.h likewise, optional"
        echo "libtkrzw-dev header:tkrzw_langc.h likewise, optional"
        ;;
    *) echo "install.sh: no group $1" >&2; exit 2 ;;
    esac
}

have() {
    case $1 in
    command:*) command -v "${1#*:}" >/dev/null ;;
    file:*) [ -e "${1#*:}" ] ;;
    header:*) echo "#include <${1#*:}>" | sed 's/<cmocka.h>/<cmocka.h>/; 1i #include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>' |
        ${CC:-cc} -E -x c - >/dev/null 2>&1 ;;
    esac
}

missing=()
for group in "$@"; do
    list=$(table "$group") || exit 2
    while read -r package probe why; do
        [ -z "$package" ] && continue
        have "$probe" && continue
        echo "missing: $package ($why)"
        missing+=("$package")
    done <<<"$list"
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ -n "${NO_INSTALL:-}" ]; then
    echo "NO_INSTALL is set: nothing was installed; going on with what there is"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "install.sh: there is no apt-get here; install by hand: ${missing[*]}" >&2
    exit 1
fi
root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install.sh: not root and no sudo; as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    root=sudo
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { $root apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
       { $root apt-get update -qq && $root apt-get install -y -qq --no-install-recommends "${missing[@]}"; }; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    rm -f "$log"
    echo "install.sh: could not install ${missing[*]}" >&2
    exit 1
fi
rm -f "$log"
