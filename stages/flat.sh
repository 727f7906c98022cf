#!/bin/bash
# Writes one stage as a directory of its own, that builds and is tested alone: what a stage is, to
# its last line, in one place.
#
#   make flat STAGE=4 DIR=../four        calls  stages/flat.sh 4 ../four
#   make -C ../four                      builds the library and the program, and runs the contract tests
#
# In it: include/ as it is; engine/: the files of the stage, those of the stages before it that the
# linker takes, and the common ones below them; tools/: the command line, the crash laboratory and
# what they use; tests/: the contract. An include has lost its directory; a file whose name another
# one has is named after where it came from.
#
#   ENGINE_ONLY=1 stages/flat.sh 4 ../mine    for `make start`: include/; engine/: the files of the stage
#                                      alone; below/: those of the stages before it; ground/: headers of common/
set -eu
usage='usage: make flat STAGE=N DIR=directory (new or empty), e.g. make flat STAGE=4 DIR=../four'
stage=${1:-} to=${2:-} B=${B:-build}
fail() { echo "flat: $*" >&2; exit 2; }
if [ -z "$stage" ] || [ -z "$to" ]; then echo "$usage" >&2 && exit 2; fi
case $stage in *[!0-9]*) fail "STAGE=$stage is no number" ;; esac
own=$(find stages/ -maxdepth 1 -name "$(printf %02d "$stage")_*" -printf 'stages/%f\n' | head -1)
[ -f "$own/stage.mk" ] || fail "there is no stage $stage; there are: $(find stages/ -name stage.mk -printf '%h\n' | sort | xargs -n1 basename | tr '\n' ' ')"
[ ! -e "$to" ] || [ -d "$to" ] || fail "$to is a file"
[ -z "$(find "$to" -mindepth 1 2>/dev/null | head -1)" ] || fail "$to is not empty"
name=${own#stages/}
if [ -n "${ENGINE_ONLY:-}" ]; then parts='include engine below ground'; else parts='include engine tools tests'; fi
for part in $parts; do mkdir -p "$to/$part"; done
to=$(cd "$to" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- Which files the engine consists of: those that the linker takes for strata.h ------------

cat >"$work/stages.c" <<END
/* stages.c: the one engine that is here. */
#include "db/stages.h"

extern const struct strata_engine strata_stage_$name;
const struct strata_engine *const strata_stages[] = {&strata_stage_$name, NULL};
END
printf 'int main(void)\n{\n    return 0;\n}\n' >"$work/main.c"
modules=$(sed -n "s/^$name\.USES *:= *//p" "$own/stage.mk")
objects() { for f in "$@"; do echo "$B/${f%.c}.o"; done; }
shopt -s nullglob
mapfile -t ground < <(find common/{base,threads,fs,db,events,inspect} -name '*.c' | sort)
mapfile -t tools < <(find common/{text,cli,crash,scenario} -name '*.[ch]' | sort; echo "$B/timeline_page.c"; echo stages/14_server/absent.c)
own_files=("$own"/*.[ch] "$own"/*/*.[ch])
module_files=()
for m in $modules; do module_files+=(stages/"$m"/*.[ch] stages/"$m"/*/*.[ch]); done
only() { local f; for f in "${@:2}"; do case $f in *."$1") echo "$f" ;; esac; done; } # SUFFIX FILE...
mapfile -t library < <(objects $(only c "${own_files[@]}") "${ground[@]}"; objects $(only c "${module_files[@]}") | grep -v '/engine\.o$')
ar rcs "$work/library.a" "${library[@]}" 2>/dev/null || fail "build it first: make"
# a member's name has no directory: so it is told by its symbols, one archive for each
members=() wanted=()
for object in "${library[@]}"; do
    archive=$work/${object//\//+}.a
    ar rcs "$archive" "$object"
    members+=("$archive")
done
for symbol in $(grep -oE '\bstrata_[a-z_]+\(' include/strata.h | tr -d '(' | sort -u); do wanted+=("-Wl,-u,$symbol"); done
${CC:-cc} -Iinclude -Icommon -o "$work/all" "$work/main.c" "$work/stages.c" "${wanted[@]}" -Wl,-Map,"$work/map" \
    -Wl,--unresolved-symbols=ignore-all \
    -Wl,--start-group "${members[@]}" -Wl,--end-group -lxxhash -llz4 -lpthread -ldl >"$work/link" 2>&1 ||
    { cat "$work/link" >&2; fail "the stage does not link alone"; }
mapfile -t taken < <(sed '/^Memory Configuration/,$d' "$work/map" | grep -oE '^[^ ]+\.o\.a\(' |
    sed -E 's|^.*/||; s|\.o\.a\($|.c|; s|\+|/|g' | sed "s|^$B/||" | sort -u)
[ ${#taken[@]} -gt 10 ] || fail "the linker's map was not understood"

# ---- Copying ---------------------------------------------------------------------------------

declare -A used now # which file has a name, by directory and name; the name that a file has now
flatten() { sed -E 's|^#include "([a-z0-9_]+/)+([a-z0-9_]+\.h)"|#include "\2"|' "$1"; }
copy() { # FILE DIRECTORY
    local base=${1##*/} from
    from=$(basename "$(dirname "$1")")
    if [ -n "${used[$2/$base]:-}" ]; then
        case $base in *.h) fail "two headers are called $base: $1 and ${used[$2/$base]}" ;; esac
        base=${from}_$base
    fi
    used[$2/$base]=$1 now[$1]=$base
    flatten "$1" >"$to/$2/$base"
}

# headers go where the sources are that they belong to; those of the modules only if they are needed
headers_of() {
    "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Iinclude -Icommon -Istages -Itests/support -MM "$@" |
        tr -s '\\ ' '\n' | grep '\.h$' | sort -u
}

cp include/strata.h include/strata_engine.h "$to/include"
if [ -n "${ENGINE_ONLY:-}" ]; then
    for file in "${own_files[@]}"; do copy "$file" engine; done
    sources=("${own_files[@]}")
    for file in "${taken[@]}"; do
        case $file in "$own"/* | common/*) ;; *) copy "$file" below && sources+=("$file") ;; esac
    done
    for file in $(headers_of $(only c "${sources[@]}")); do
        case $file in
        common/*) copy "$file" ground ;;
        "$own"/* | include/*) ;;
        *) copy "$file" below ;;
        esac
    done
    exit 0
fi
cp include/strata_server.h "$to/include"
for file in $(only c "${own_files[@]}"); do copy "$file" engine; done
for file in "${taken[@]}"; do case $file in "$own"/*) ;; *) copy "$file" engine ;; esac; done
flatten "$work/stages.c" >"$to/engine/stages.c"
rest=()
for file in "${ground[@]}"; do
    case " ${taken[*]} " in *" $file "*) ;; *) rest+=("$file") ;; esac
done
for file in "${rest[@]}" $(only c "${tools[@]}"); do copy "$file" tools; done
for file in tests/contract/*.c; do copy "$file" tests; done
needed=$(headers_of "${taken[@]}")
for file in $(only h "${own_files[@]}") $(find common/{base,threads,fs,db,events,inspect} -name '*.h' | sort) $(only h "${module_files[@]}"); do
    case " ${rest[*]} " in *" ${file%.h}.c "*) copy "$file" tools; continue ;; esac
    case $file in common/* | "$own"/*) ;; *) grep -qx "$file" <<<"$needed" || continue ;; esac
    copy "$file" engine
done
for file in $(only h "${tools[@]}"); do copy "$file" tools; done
support=$(headers_of tests/contract/*.c | grep ^tests/support)
mapfile -t sources < <(for f in $support; do f=${f%.h}.c; [ ! -f "$f" ] || echo "$f"; done)
support=$(headers_of tests/contract/*.c "${sources[@]}" | grep ^tests/support)
for file in $support; do
    copy "$file" tests
    [ ! -f "${file%.h}.c" ] || copy "${file%.h}.c" tests
done

cat >"$to/Makefile" <<'MAKEFILE'
# One stage of Strata, alone. `make` builds libstrata.a and the program strata, and runs the tests of
# the contract: libxxhash, liblz4 and libcmocka are needed.
CC       ?= cc
CFLAGS   ?= -O2 -g
FLAGS    := -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -fPIC -Iinclude -Iengine -Itools -Itests
LIBS     := -lxxhash -llz4 -lpthread -ldl
ENGINE   := $(patsubst %.c,%.o,$(wildcard engine/*.c))
TOOLS    := $(patsubst %.c,%.o,$(wildcard tools/*.c))
TESTS    := $(patsubst %.c,%,$(wildcard tests/contract_*_test.c))
SUPPORT  := $(patsubst %.c,%.o,$(filter-out %_test.c,$(wildcard tests/*.c)))
CLI      :=

.PHONY: all test clean
.SECONDARY: # objects of tests are kept
all: libstrata.a strata test
libstrata.a: $(ENGINE)
	rm -f $@ && ar rcs $@ $^
strata: $(TOOLS) $(ENGINE)
	$(CC) $(CFLAGS) -rdynamic -o $@ $^ $(LDFLAGS) $(LIBS)
tests/%_test: tests/%_test.o $(SUPPORT) $(filter-out $(CLI),$(TOOLS)) $(ENGINE)
	$(CC) $(CFLAGS) -rdynamic -o $@ $^ $(LDFLAGS) -lcmocka $(LIBS)
%.o: %.c $(wildcard include/*.h engine/*.h tools/*.h tests/*.h)
	$(CC) $(FLAGS) $(CFLAGS) -c $< -o $@
test: strata $(TESTS) ## runs what is asked of every stage
	@failed=0; for t in $(TESTS); do \
	  CMOCKA_MESSAGE_OUTPUT=TAP STRATA=./strata ./$$t >$$t.log 2>&1 || { cat $$t.log; failed=1; }; \
	done; \
	cat $(TESTS:%=%.log) | grep -E '^(not )?ok ' | awk '/SKIP/ { skip++; next } /^ok/ { good++ } /^not/ { bad++ } \
	  END { printf "%d passed, %d failed, %d skipped\n", good, bad, skip; exit bad + !good > 0 }' && exit $$failed
clean:
	rm -f libstrata.a strata $(TESTS) $(TESTS:%=%.log) engine/*.o tools/*.o tests/*.o
MAKEFILE
sed -i "s|^CLI .*|CLI      := $(for f in $(find common/cli -name '*.c' | sort) "$B/timeline_page.c" stages/14_server/absent.c; do printf 'tools/%s ' "${now[$f]%.c}.o"; done)|" "$to/Makefile"
echo "flat: $to: $(find "$to/engine" -name '*.[ch]' | wc -l) files of $name and below it," \
    "$(cat "$to"/engine/*.[ch] | wc -l) lines; make -C $to"
