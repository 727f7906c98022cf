#!/bin/bash
# Makes fuzz/corpus/TARGET anew: of all inputs that the runs in build/fuzz left, and those that were
# there, the fewest that reach the same (afl-cmin), each as small as it can be (afl-tmin, at most
# TMIN_SECONDS=3 each; 0: left as it is; files are, as afl-tmin takes bytes away and repairs no check).
# Seeds and regressions are not repeated there.
#
#   fuzz/tools/corpus.sh [TARGET]        (make fuzz-corpus)
set -u
work=build/fuzz/minimise
export AFL_ALLOW_TMP=1 AFL_QUIET=1 AFL_NO_UI=1
export ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0:allocator_may_return_null=1:malloc_context_size=0
export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:symbolize=0

gather() { # NAME
    rm -rf "$work" && mkdir -p "$work/all" "$work/kept" "$work/seeds"
    find build/fuzz/out/"$1"{,.[0-9]*}/*/queue build/fuzz/long/out/"$1"{,.[0-9]*}/*/queue fuzz/corpus/"$1" \
        -maxdepth 1 -type f -size -5k ! -name '.*' 2>/dev/null |
        while read -r file; do cp "$file" "$work/all/$(md5sum <"$file" | cut -c1-16)"; done
    for file in fuzz/seeds/"$1"/* fuzz/regress/"$1"/*; do
        [ -s "$file" ] && cp "$file" "$work/seeds/$(md5sum <"$file" | cut -c1-16)"
    done
    cp "$work/seeds"/* "$work/all/"
}

# The fewest for one stage, or for none.
reduce() { # NAME STAGE FILE
    local seconds=0
    [ "$3" = - ] && seconds=${TMIN_SECONDS:-3}
    rm -rf "$work/few"
    STRATA_STAGE=$2 afl-cmin -m none -t 5000 -i "$work/all" -o "$work/few" -- build/afl/fuzz/afl/"$1" >"$work/cmin.log" 2>&1 ||
        { tail -5 "$work/cmin.log" >&2; return 1; }
    for file in "$work"/few/*; do
        [ -e "$work/seeds/${file##*/}" ] && continue
        [ "$seconds" != 0 ] && STRATA_STAGE=$2 timeout "$seconds" afl-tmin -m none -t 5000 -i "$file" \
            -o "$work/small" -- build/afl/fuzz/afl/"$1" >/dev/null 2>&1 && [ -s "$work/small" ] && mv "$work/small" "$file"
        cp "$file" "$work/kept/$(md5sum <"$file" | cut -c1-16)"
    done
}

while read -r name _ as sources; do
    case $name in '' | \#*) continue ;; esac
    [ -z "${1:-}" ] || [ "$1" = "$name" ] || continue
    gather "$name"
    if [[ $sources = *%* ]]; then
        for dir in stages/*/; do reduce "$name" "$(sed -E 's|stages/0*([0-9]+)_.*|\1|' <<<"$dir")" "$as" || exit 1; done
    else
        reduce "$name" '' "$as" || exit 1
    fi
    rm -rf "fuzz/corpus/$name" && mkdir -p fuzz/corpus && mv "$work/kept" "fuzz/corpus/$name"
    echo "corpus: target=$name inputs=$(find "$work/all" -type f | wc -l) kept=$(find "fuzz/corpus/$name" -type f | wc -l)" \
        "bytes=$(cat "fuzz/corpus/$name"/* | wc -c)"
done <fuzz/targets.txt
rm -rf "$work" .afl-tmin-temp-*
