#!/bin/bash
# Layout (clang-format), static analysis (cppcheck), sizes and manners of the source, the tour's hints.
#
#   tests/tools/lint.sh FILE...
set -u
bad=0
complain() { echo "lint: $1" >&2; bad=1; }

[ $# -gt 0 ] || { echo "lint.sh: no files" >&2; exit 2; }
if command -v clang-format >/dev/null; then
    clang-format --dry-run -Werror "$@" || complain "layout: make format"
else
    echo "lint: clang-format is missing; layout not checked"
fi
if command -v cppcheck >/dev/null; then
    cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
        --enable=warning,performance,portability \
        --suppress=missingIncludeSystem --suppress=unusedFunction --suppress=normalCheckLevelMaxBranches \
        -Iinclude -Icommon -Istages -Itests/support -D_POSIX_C_SOURCE=200809L \
        include common stages fuzz bench tests || complain "cppcheck"
else
    echo "lint: cppcheck is missing; static analysis not done"
fi

# engine.c is glue; a long file is a place to look.
for f in stages/*/engine.c; do
    n=$(wc -l <"$f")
    [ "$n" -le 350 ] || complain "$f has $n lines; the glue of a stage has at most 350"
done
# What a person reads in a sitting: a folder has at most 20 files, a stage of Part I 3,600 lines (without
# its inspector, which only annotates dumps).
while read -r dir; do
    n=$(find "$dir" -maxdepth 1 -name '*.[ch]' | wc -l)
    [ "$n" -le 20 ] || complain "$dir has $n files; at most 20: make folders"
done < <(find common stages bench -type d)
for dir in stages/0[1-6]_*; do
    n=$(find "$dir" -name '*.[ch]' ! -name '*inspect.c' -exec cat {} + | wc -l)
    [ "$n" -le 3600 ] || complain "$dir has $n lines; a stage of Part I has at most 3,600"
done
# One language: words that went, and what to write (tests/tools/words.tsv). One pass over the files finds
# the lines; only these are searched again, word by word.
everywhere=$(sed '/^# ground only/,$d; /^#/d' tests/tools/words.tsv | cut -f1)
ground=$(grep -v '^#' tests/tools/words.tsv | cut -f1)
lines=$(grep -rnwiE --include='*.[ch]' -f <(echo "$ground") include common
    grep -rnwiE --include='*.[ch]' --include='*.md' -f <(echo "$everywhere") stages README.md ROADMAP.md docs/[0-9]*.md docs/design.md docs/glossary.md docs/crash_model.md docs/stuck.md)
while [ -n "$lines" ] && IFS=$'\t' read -r word instead; do
    case $word in '#'* | '') continue ;; esac
    found=$(grep -wiE -e "^[^:]*:[0-9]*:.*\b($word)" <<<"$lines") || continue
    complain "words.tsv: for \"$word\" write $instead ($(wc -l <<<"$found") lines):"
    head -5 <<<"$found" | cut -c1-160 | sed 's/^/    /' >&2
done <tests/tools/words.tsv
mapfile -t staged < <(find stages -name '*.c' | sort)
mapfile -t library < <(find common/{base,threads,fs,db,events,text,inspect,crash/sim} stages -name '*.c' | sort)
# A library does not print, exit or abort; assert and memcpy'd structs have no place on disk paths.
grep -nE '\b(printf|puts|exit|abort|perror)\(' "${library[@]}" |
    grep -vE 'common/inspect/inspect\.c' && complain "the library prints or ends the program"
# Nothing above the file layer calls the system itself.
grep -nE '(^|[^a-z_.>])(open|read|write|pread|pwrite|fsync|fdatasync|rename|unlink|mkdir|fopen|ftruncate|mmap)\(' "${staged[@]}" |
    grep -vE '^[^:]*:[0-9]+: *(\*|/\*|//)' && complain "a stage goes past fs.h"
# Who locks or waits past sync.h is not seen by a scheduler of threads, but the scheduler itself.
grep -rnE --include='*.[ch]' '\b(pthread_(mutex|cond|once|rwlock|spin|create|join|barrier)|sem_(wait|post|init)|sched_yield|nanosleep|usleep)' common stages |
    grep -vE '^common/(threads/sync\.[ch]|crash/concurrency/baton\.c):' && complain "locks and waits go through common/threads/sync.h"
# A hint of the tour: the step exists, the file is there, and has what the text begins with.
for list in stages/*/tour.txt; do
    while IFS=$'\t' read -r step file text; do
        case $step in load | get | scan | change | disk | kill | flip | measure) ;; *) complain "$list: no step $step" ;; esac
        [ -f "${list%/*}/$file" ] && file=${list%/*}/$file
        grep -qsw "${text%%:*}" "$file" || complain "$list: $file has no ${text%%:*}"
    done <"$list"
done
# Nothing that a command made while somebody tried it lies beside what the project is made of.
for name in $(git ls-files 2>/dev/null | cut -d/ -f1 | sort -u); do
    case $name in
    .ci | .clang-format | .gitignore | LICENSE | Makefile | README.md | ROADMAP.md | bench | common | docs | fuzz | include | stages | tests) ;;
    *) complain "$name is no part of the project: git rm -r --cached $name" ;;
    esac
done
[ $bad -eq 0 ] && echo "lint: $# files, nothing to say"
exit $bad
