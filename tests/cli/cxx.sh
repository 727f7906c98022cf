#!/bin/bash
# The public headers are C++, too: a program of C++11 includes them, warning-free, links every
# function of strata.h from the C library, and uses a database.
root=$PWD
B=${B:-build}
case $B in /*) ;; *) B=$root/$B ;; esac
STRATA=$B/strata
. tests/cli/tap.bash

cat >program.cc <<'END'
#include <strata.h>
#include <strata_engine.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

typedef void (*function)();
static const function every_function[] = {
#define F(name) reinterpret_cast<function>(&name)
#include "functions.h"
};

static int die(const strata_error &err)
{
    char text[600];
    std::fprintf(stderr, "%s\n", strata_error_text(&err, text, sizeof text));
    return 1;
}

int main(int argc, char **argv)
{
    strata_options options;
    strata_error err;
    strata_buffer value = {};
    strata_view view = {};
    strata *db = nullptr;
    strata_iter *iter = nullptr;

    if (argc != 2)
        return 2;
    for (function each : every_function)
        if (!each)
            return 3;
    strata_options_init(&options);
    options.create = true;
    if (strata_open(argv[1], &options, &db, &err) < 0)
        return die(err);
    if (strata_put(db, strata_string("b"), strata_string("2"), &err) < 0 ||
        strata_put(db, strata_bytes("a", 1), strata_string("1"), &err) < 0)
        return die(err);
    if (strata_get(db, strata_string("a"), &value, &err) != STRATA_OK)
        return die(err);
    std::printf("a=%.*s\n", static_cast<int>(value.size), reinterpret_cast<char *>(value.data));
    strata_buffer_free(&value);
    if (strata_get_borrowed(db, strata_string("b"), &view, &err) != STRATA_OK)
        return die(err);
    std::printf("b=%.*s\n", static_cast<int>(view.value.size), reinterpret_cast<const char *>(view.value.data));
    strata_view_free(&view);
    if (strata_iter_new(db, &iter, &err) < 0)
        return die(err);
    for (int rc = strata_iter_first(iter, &err); rc == STRATA_OK; rc = strata_iter_next(iter, &err)) {
        strata_slice key = strata_iter_key(iter);
        std::printf("%.*s\n", static_cast<int>(key.size), reinterpret_cast<const char *>(key.data));
    }
    strata_iter_free(iter);
    std::uint64_t size, puts;
    if (strata_put_with(db, strata_string("c"), strata_string("3"), STRATA_WRITE_NO_SYNC, &err) < 0 ||
        strata_delete_with(db, strata_string("c"), STRATA_WRITE_SYNC, &err) < 0 ||
        strata_approximate_size(db, strata_string("a"), strata_bytes(nullptr, 0), &size, &err) < 0 ||
        strata_property(db, "puts", &puts, &err) != STRATA_OK || strata_close(db, &err) < 0)
        return die(err);
    std::printf("%d puts\n", static_cast<int>(puts));
    return strata_destroy(argv[1], nullptr, nullptr, nullptr, &err) < 0 ? die(err) : 0;
}
END

# Every function that strata.h declares: a name before "(" that is not a type's or a comment's.
declared() {
    sed -E 's|/\*.*\*/||' "$1" | grep -oE '^[a-z].*\bstrata_[a-z_]+\(' |
        grep -oE 'strata_[a-z_]+\($' | tr -d '(' | sort -u
}
declared "$root/include/strata.h" >names
sed 's/.*/F(&),/' names >functions.h

# What the library was built with, the program has to be linked with.
extra=
nm "$B/libinternal.a" 2>/dev/null >symbols
is every_public_function_is_declared_in_a_public_header \
    "$(sed -n 's/.* T \(strata_\)/\1/p' symbols | sort -u)" \
    "$({ cat names; declared "$root/include/strata_engine.h"; } | sort -u)"
grep -q __asan_init symbols && extra='-fsanitize=address,undefined'
grep -q __tsan_init symbols && extra='-fsanitize=thread'
grep -q __gcov_init symbols && extra='--coverage'

case ${CC:-cc} in *clang*) own=clang++ ;; *) own=g++ ;; esac

for cxx in g++ clang++; do
    name=${cxx//+/x}
    if ! command -v $cxx >/dev/null; then
        skip ${name}_program_compiles_without_a_warning "there is no $cxx"
        continue
    fi
    code ${name}_program_compiles_without_a_warning 0 \
        $cxx -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$root/include" -c program.cc
    # a sanitizer's or gcov's run time must be that of the compiler that built the library
    if [ -n "$extra" ] && [ $cxx != $own ]; then
        skip ${name}_program_works "the library was built by another compiler, with $extra"
        continue
    fi
    code ${name}_program_links_every_function 0 \
        $cxx $extra -o program program.o "$B/libstrata.a" -lxxhash -llz4 -lpthread
    rm -rf db
    prints ${name}_program_works $'a=1\nb=2\na\nb\n3 puts' ./program db
done
done_testing
