#!/bin/bash
# Puts known bugs into the code, one at a time, and has make fuzz find each, from the seeds alone,
# without the corpus and the regressions that fuzzing left. The bugs are those patches below
# tests/mutants whose header has a line "Fuzz: TARGET" or "Fuzz: stage N engine".
#
#   TIME=300 fuzz/tools/planted.sh [WORD...]    only patches whose path contains one of the words;
#                                               TIME is seconds of a core
#   SHOW=1                                      prints what make fuzz prints, in place of the line
#
# Works in a copy of the tree. One line a bug,
#   planted: bug=03_wal/frame_count_ignored target=wal found=yes seconds=4 execs=11320 what="..."
# kept in docs/fuzz/planted.tsv, in place of the bug's earlier line. Found by a seed: execs=0. The last
# line is "planted: N found, N not found"; exit code 1 when one was not.
set -u
tree=$PWD
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree"
tar -cf - --exclude=./.git --exclude=./build . | tar -C "$work/tree" -xf - || exit 1
mkdir -p "$work/tree/build" && cp -a build/afl build/fuzz build/common build/stages build/stages.[co] build/libinternal.a \
    build/strata "$work/tree/build/" || exit 1
table=docs/fuzz/planted.tsv
out=$work/list
: >"$out"

keep() { # LINE
    mkdir -p "${table%/*}"
    {
        grep -vF " bug=$(sed -E 's/.* bug=([^ ]*) .*/\1/' <<<"$1") " "$table" 2>/dev/null
        echo "$1"
    } | LC_ALL=C sort >"$work/table" && mv "$work/table" "$table"
}

try() { # PATCH TARGET STAGE
    local patch=$1 target=$2 stage=$3 file files=() line execs seconds what
    mapfile -t files < <(sed -n 's|^+++ b/||p' "$tree/tests/mutants/$patch.patch")
    for file in "${files[@]}"; do mkdir -p "$work/saved/${file%/*}" && cp -p "$work/tree/$file" "$work/saved/$file"; done
    if ! (cd "$work/tree" && patch -s -p1 -F0 -f -r - --no-backup-if-mismatch <"tests/mutants/$patch.patch" &&
        make -s MODE=afl CC=afl-clang-fast "build/afl/fuzz/afl/$target" &&
        make -s build/fuzz/mutator.so) >"$work/build.log" 2>&1; then
        echo "planted: bug=$patch does not build:"
        tail -5 "$work/build.log"
    else
        (cd "$work/tree" && rm -rf build/fuzz/out && SEEDS_ONLY=1 NO_COVER=1 CORE=1 MINIMISE=${SHOW:-} AFL_BENCH_UNTIL_CRASH=1 JOBS=1 STAGE=$stage \
            TIME=${TIME:-300} fuzz/tools/fuzz.sh "$target") >"$work/run.log" 2>&1
        line=$(grep -a '^fuzz: target=' "$work/run.log")
        [ -n "${SHOW:-}" ] && cat "$work/run.log"
        execs=$(sed -E 's/.* execs=([0-9]+).*/\1/' <<<"$line")
        seconds=$(sed -E 's/.* seconds=([0-9]+).*/\1/' <<<"$line")
        what=$(sed -nE 's/^found: target=[^ ]* bytes=[0-9]+: (.*)/\1/p' "$work/run.log" | head -1 | cut -c1-150)
        echo "planted: bug=$patch target=$target${stage:+.$stage} found=$([ -n "$what" ] && echo yes || echo no)" \
            "seconds=${seconds:-0} execs=${execs:-0} what=\"$what\"" >>"$out"
        [ -n "${SHOW:-}" ] || { tail -n 1 "$out" && keep "$(tail -n 1 "$out")"; }
        [ -n "$line" ] || tail -5 "$work/run.log"
    fi
    for file in "${files[@]}"; do cp "$work/saved/$file" "$work/tree/$file"; done # with a new time: it is built again
}

wanted() { # PATCH
    local word
    [ ${#words[@]} -eq 0 ] && return 0
    for word in "${words[@]}"; do [[ $1 = *"$word"* ]] && return 0; done
    return 1
}

words=("$@")
for path in tests/mutants/*/*.patch; do
    patch=${path#tests/mutants/} patch=${patch%.patch}
    wanted "$patch" || continue
    read -r _ first second third < <(sed '/^--- /q' "$path" | grep '^Fuzz:') || continue
    if [ "$first" = stage ]; then try "$patch" "$third" "$second"; else try "$patch" "$first" ''; fi
done
found=$(grep -c 'found=yes' "$out") missed=$(grep -c 'found=no' "$out")
[ -n "${SHOW:-}" ] || echo "planted: $found found, $missed not found"
[ "$missed" -eq 0 ] && [ "$found" -gt 0 ]
