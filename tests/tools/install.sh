#!/bin/bash
# Installs the Debian packages that a target needs and the machine lacks, and says what and why.
#
#   tests/tools/install.sh GROUP...         build shell server http tour test browser mutants clang lint coverage fuzz valgrind book peers
#                                           more-peers rocksdb bare
#   tests/tools/install.sh --have GROUP...  only exit code 0, everything is here, or 1
#
# NO_INSTALL=1: only reports what is missing; exit code 0, and the caller goes on with what there
# is. So it does without a package of an optional group that cannot be installed. Otherwise exit code 1 when something
# could not be installed. CC, CFLAGS and LDFLAGS are what the libraries are looked for with.
set -u

# package, how to see that it is here, why
table() {
    case $1 in
    build)
        echo "$(compiler) compiler: the C compiler"
        echo "libc6-dev library:stdio.h: the C library's headers"
        echo "libxxhash-dev library:xxhash.h:xxhash checksums (XXH3)"
        echo "liblz4-dev library:lz4.h:lz4 compressed blocks (LZ4)"
        ;;
    shell) echo "libedit-dev library:histedit.h:edit the shell's line editor (without it: plain lines)" ;;
    server) echo "libuv1-dev library:uv.h:uv the server's sockets (without it: no strata serve)" ;;
    http) echo "libmicrohttpd-dev library:microhttpd.h:microhttpd the server's figures over HTTP (without it: no --http)" ;;
    tour) echo "unicode-data file:/usr/share/unicode/UnicodeData.txt the tour's data: the Unicode character database" ;;
    test)
        echo "libcmocka-dev library:cmocka.h:cmocka the test framework"
        echo "g++ command:g++ the header is compiled as C++ too"
        echo "clang command:clang++ the header is compiled by a second compiler"
        echo "clang-format command:clang-format the layout of a stage that a test adds"
        echo "util-linux command:setpriv tests as an unprivileged user"
        echo "bsdutils command:script tests of what is shown on a terminal"
        echo "python3 command:python3 tests of what is typed on a terminal"
        echo "perl perl:JSON::PP tests of the book and of pages"
        echo "pkg-config command:pkg-config a program is built with the installed library"
        echo "mandoc command:mandoc the man pages are well-formed"
        echo "groff-base command:groff the man pages are well-formed"
        echo "patch command:patch tests of make mutants"
        echo "jq command:jq our JSON is read by jq, and jq's by us"
        echo "sqlite3 command:sqlite3 our CSV is read by SQLite, and SQLite's by us"
        echo "lmdb-utils command:mdb_load our dumps are read by LMDB, and LMDB's by us"
        echo "db-util command:db_load our dumps are read by Berkeley DB, and Berkeley DB's by us"
        echo "redis-tools command:redis-cli the server is asked by Redis' own client"
        echo "libleveldb-dev library:leveldb/c.h:leveldb tests of benchmarks that compare"
        ;;
    browser) echo "chromium command:chromium a page is opened in a browser" ;;
    book) echo "pandoc command:pandoc pages are made of Markdown" ;;
    clang) echo "clang command:clang the second compiler" ;;
    lint)
        echo "clang-format command:clang-format the code's layout"
        echo "cppcheck command:cppcheck static analysis"
        ;;
    coverage) printf "%s\n" "gcc-12 command:gcov-12 the compiler whose branches are counted" "lcov command:lcov coverage as pages" ;;
    mutants) echo "patch command:patch puts known bugs into a copy of the code" ;;
    fuzz)
        echo "afl++ command:afl-fuzz the fuzzer"
        echo "libclang-rt-dev file:$(clang -print-resource-dir 2>/dev/null || echo /usr/lib/clang/0)/lib/linux/libclang_rt.asan-$(uname -m).a clang's sanitizers"
        echo "llvm command:llvm-cov what a corpus covers, and names in stacks"
        ;;
    rocksdb) echo "librocksdb-dev library:rocksdb/c.h:rocksdb another engine to compare with, optional" ;;
    peers) echo "libleveldb-dev library:leveldb/c.h:leveldb what the benchmarks compare with" ;;
    valgrind) echo "valgrind command:valgrind instructions are counted; memory errors and leaks" ;;
    more-peers)
        echo "liblmdb-dev library:lmdb.h:lmdb another engine to compare with, optional"
        echo "libsqlite3-dev library:sqlite3.h:sqlite3 another engine to compare with, optional"
        echo "libtkrzw-dev library:tkrzw_langc.h:tkrzw another engine to compare with, optional"
        ;;
    bare) echo "debootstrap command:debootstrap makes a minimal Debian" ;;
    *) echo "install.sh: no group $1" >&2; exit 2 ;;
    esac
}
optional=" shell server http tour " # things go on without these

# The package that has $CC: Debian names packages as their compilers.
compiler() {
    local word package=gcc
    for word in ${CC:-cc}; do
        case ${word##*/} in gcc-[0-9]* | clang | clang-[0-9]*) package=${word##*/} ;; esac
    done
    echo "$package"
}

have() {
    case $1 in
    compiler:) ${CC:-cc} --version >/dev/null 2>&1 ;;
    command:*) command -v "${1#*:}" >/dev/null ;;
    file:*) [ -e "${1#*:}" ] ;;
    perl:*) perl -M"${1#*:}" -e 1 2>/dev/null ;;
    library:*) builds "$(cut -d: -f2 <<<"$1")" "$(cut -d: -f3 <<<"$1")" ;;
    esac
}

# A program with this header, and linked to this library, can be built. (cmocka's header needs others.)
builds() { # HEADER LIBRARY
    { printf '#include <%s>\n' stdarg.h stddef.h stdint.h stdio.h setjmp.h "$1" && echo 'int main(void) { return 0; }'; } |
        ${CC:-cc} ${CFLAGS:-} -x c -o "$scratch/program" - ${LDFLAGS:-} ${2:+"-l$2"} >/dev/null 2>&1
}

apt() { # PACKAGE...
    DEBIAN_FRONTEND=noninteractive $root apt-get -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=600 install "$@"
}

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
look() { # WORD GROUP...: says "WORD: package" of each that is missing
    local word=$1 group list package probe why
    shift
    needed=() wanted=()
    for group in "$@"; do
        list=$(table "$group") || exit 2
        while read -r package probe why; do
            have "$probe" && continue
            [ -z "$word" ] || echo "$word: $package ($why)"
            case $optional in *" $group "*) wanted+=("$package") ;; *) needed+=("$package") ;; esac
        done <<<"$list"
    done
}
if [ "${1:-}" = --have ]; then
    look '' "${@:2}"
    exit $((${#needed[@]} + ${#wanted[@]} > 0))
fi
look missing "$@"
missing=("${needed[@]}" "${wanted[@]}")
[ ${#missing[@]} -eq 0 ] && exit 0
if [ -n "${NO_INSTALL:-}" ]; then
    echo "NO_INSTALL is set: nothing was installed; going on with what there is"
    exit 0
fi

# What is optional may stay away.
give_up() { # MESSAGE
    if [ ${#needed[@]} -eq 0 ]; then
        echo "$1; going on without"
        exit 0
    fi
    echo "install.sh: $1 (or set NO_INSTALL=1, and it goes on with what there is)" >&2
    exit 1
}
command -v apt-get >/dev/null || give_up "there is no apt-get here; install by hand: ${missing[*]}"
root=
if [ "$(id -u)" -ne 0 ]; then
    root=sudo
    command -v sudo >/dev/null || give_up "not root and no sudo; as root: apt-get install ${missing[*]}"
fi
echo "installing: ${missing[*]}"
log=$scratch/log
if ! { apt "${missing[@]}" || { $root apt-get -qq update && apt "${missing[@]}"; } ||
       { [ ${#needed[@]} -gt 0 ] && apt "${needed[@]}"; }; } >"$log" 2>&1; then
    tail -20 "$log" >&2
    give_up "could not install ${missing[*]}"
fi
look "installed, and still missing" "$@" >&2
[ ${#needed[@]} -eq 0 ] || give_up "what was installed is not found${CC:+ by CC=$CC}"
