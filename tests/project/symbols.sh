#!/bin/bash
# The libraries show the functions of strata.h and no other name. So a program may give its own functions and
# variables any name that the library uses inside: version_get, checksum, fs_open, ...
root=$PWD
B=${B:-build}
case $B in /*) ;; *) B=$root/$B ;; esac
STRATA=$B/strata
. tests/cli/tap.bash
unset MAKEFLAGS MFLAGS MAKELEVEL

nm "$B/libinternal.a" 2>/dev/null >symbols
extra=
grep -q __asan_init symbols && extra='-fsanitize=address,undefined'
grep -q __tsan_init symbols && extra='-fsanitize=thread'
grep -q __gcov_init symbols && extra='--coverage'

globals() { nm -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u; }
printf '#include <strata.h>\n' | ${CC:-cc} -E -P -x c -I"$root/include" - | tr '\n' ' ' |
    grep -oE '\bstrata_[a-z_]+ ?\([^*]' | sed 's/[^a-z_].*//' | sort -u >public
is static_library_shows_what_the_header_declares "$(globals "$B/libstrata.a")" "$(cat public)"

# The command line, the crash laboratory with its simulated disk and the text formats are no part of it.
cat_globals() { for o in "$@"; do globals "$o"; done | grep -v '^__' | sort -u; }
defined() { nm --defined-only "$1" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u; }
mapfile -t objects < <(cd "$root" && find common/{cli,crash,text} -name '*.c' | sed "s|^|$B/|; s|c$|o|")
cat_globals "${objects[@]}" >tools
is tools_have_names "$(grep -cxE 'cli_[a-z]+|fs_sim_new|csv_feed|oracle_check' tools | awk '{ print ($1 > 3) }')" 1
for library in libinternal.a libstrata.a libstrata.so; do
    is "${library%.*}_${library#*.}_has_no_tools" "$(defined "$B/$library" | comm -12 - tools)" ''
done

# Every name of the objects that is not public, as a function of the program. (What a compiler adds
# begins with two underscores.)
globals "$B/libinternal.a" | grep -v '^__' | comm -23 - public >internal
is there_are_internal_names "$(($(wc -l <internal) > 500))" 1
is among_them_are "$(grep -cxE 'checksum|version_get|fs_open|strata_fail|strata_stages' internal)" 5
{
    echo '#include <stdio.h>'
    echo '#include <stdlib.h>'
    echo 'static void called(const char *name) { fprintf(stderr, "the library called %s\n", name); abort(); }'
    sed 's/.*/void &(void);\nvoid &(void) { called("&"); }/' internal
} >own_names.c
cat >program.c <<'END'
#include <strata.h>
#include <stdio.h>
#include <stdlib.h>

void version_get(void); /* one of own_names.c, so that the linker takes them all */
void (*volatile of_the_program)(void) = version_get;

static void must(int rc, const struct strata_error *err)
{
    char text[600];
    if (rc == 0)
        return;
    puts(strata_error_text(err, text, sizeof text));
    exit(1);
}

/* Puts, deletes, flushes, compacts, opens again, gets and scans. */
static void use(const char *dir, unsigned stage)
{
    struct strata_options options;
    struct strata_error err;
    struct strata_buffer value = {0};
    struct strata_iter *iter;
    struct strata *db;
    unsigned entries = 0;
    int rc;

    strata_options_init(&options);
    options.stage = stage;
    options.create = true;
    options.memtable_bytes = 64 << 10;
    options.sync = STRATA_SYNC_NEVER;
    must(strata_open(dir, &options, &db, &err), &err);
    for (unsigned i = 0; i < 4000; i++)
        must(strata_put(db, strata_bytes(&i, sizeof i), strata_string("some value or other"), &err), &err);
    for (unsigned i = 0; i < 4000; i += 2)
        must(strata_delete(db, strata_bytes(&i, sizeof i), &err), &err);
    if (stage != 1)
        must(strata_compact(db, NULL, &err), &err);
    must(strata_close(db, &err), &err);
    must(strata_open(dir, &options, &db, &err), &err);
    for (unsigned i = 1; i < 4000; i += 2)
        must(strata_get(db, strata_bytes(&i, sizeof i), &value, &err), &err);
    strata_buffer_free(&value);
    must(strata_iter_new(db, &iter, &err), &err);
    for (rc = strata_iter_first(iter, &err); rc == 0; rc = strata_iter_next(iter, &err))
        entries++;
    strata_iter_free(iter);
    must(strata_verify(db, NULL, &err), &err);
    must(strata_close(db, &err), &err);
    printf("%u:%u ", stage, entries);
}

int main(int argc, char **argv)
{
    struct strata_stage_info info;
    char dir[600];

    for (size_t i = 0; argc == 2 && strata_stage_at(i, &info) == 0; i++) {
        snprintf(dir, sizeof dir, "%s/%u", argv[1], info.stage);
        use(dir, info.stage);
    }
    return of_the_program == NULL;
}
END
wanted=$(strata stages | awk '/^stage/ { printf "%d:2000 ", $2 }')
libs='-lxxhash -llz4 -lpthread'
links() { # NAME COMMAND...: that makes ./program, which answers right
    local name=$1
    shift
    code "${name}_links" 0 "$@"
    mkdir "$name"
    prints "${name}_answers_right" "$wanted" env LD_LIBRARY_PATH="$B" ./program "$name"
}
code program_compiles 0 ${CC:-cc} $extra -std=c11 -Wall -Werror -I"$root/include" -c program.c
code own_names_compile 0 ${CC:-cc} $extra -w -fno-builtin -c own_names.c
links static ${CC:-cc} $extra -o program program.o own_names.o "$B/libstrata.a" $libs
links static_names_last ${CC:-cc} $extra -o program program.o "$B/libstrata.a" own_names.o $libs
if [ -n "$extra" ]; then
    skip shared_answers_right "a sanitizer or gcov is built into the library, and wants itself in the program"
    skip stripped_answers_right "likewise"
else
    links shared ${CC:-cc} -rdynamic -o program program.o own_names.o -L"$B" -lstrata
    cp "$B/libstrata.a" stripped.a && strip --strip-debug stripped.a
    links stripped ${CC:-cc} -o program program.o own_names.o stripped.a $libs
fi
done_testing
