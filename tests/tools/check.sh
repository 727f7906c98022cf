#!/bin/bash
# Judges an engine of one's own, a shared object, by the promises of a stage: what is asked of every
# stage (tests/contract, tests/crash) and `strata crash`. See docs/bring_your_own_engine.md.
#
#   B=build STAGE=N QUICK= tests/tools/check.sh ENGINE [REGEX]    only suites whose name matches REGEX
#   OUT=DIR                                      where what was said is kept; build/check
#
# Ends with each promise that was broken, and the tests that tell. Exit code: 0 it keeps them all; 1
# it does not; 2 bad usage, or an engine without a table that can be used; 4 no shared object; 5 one
# that bypasses fs.h.
set -u
B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac # the commands that are printed work from anywhere
engine=${1:-} only=${2:-}
out=${OUT:-$B/check} table=${0%/*}/promises.tsv

usage() { echo "make check: $1; for example: make check ENGINE=../mine/mine.so STAGE=1" >&2; exit 2; }
[ -n "$engine" ] || usage "it wants ENGINE=FILE, a shared object"
case ${STAGE:-} in '' | *[!0-9]*) usage "it wants STAGE=N: whose promises?" ;; esac
STAGE=$((10#$STAGE))
"$B/strata" stages | grep -q "^stage $STAGE " || usage "this build has no stage $STAGE"
case $engine in /*) ;; *) engine=$PWD/$engine ;; esac
rm -rf "$out"
mkdir -p "$out" || exit 4
crash() { "$B/strata" crash --stage "$STAGE" --engine "$engine" "$@"; }

promises() { "$B/strata" stages | sed -n "/^stage $STAGE /,/^stage [^$STAGE]/p" | grep -q "^  $1 "; }
models() {
    promises kill && echo kill
    promises power-cut && printf 'ordered\nposix\n'
}

# ---- Does it do anything yet? -------------------------------------------------------------------

for workload in nothing writes; do
    crash --model kill --depth quick --workload "$workload" >"$out/first.txt" 2>"$out/first.err"
    rc=$?
    case $rc in
    0 | 8) ;;
    7)
        sed -n 's/^strata: crash: //p' "$out/first.err"
        echo
        echo "$engine cannot be judged yet: a first opening, or a first write, fails. Begin there."
        exit 1 ;;
    *)
        cat "$out/first.err" >&2
        [ $rc -lt 128 ] && exit $rc
        echo "$engine ended the program with signal $((rc - 128)) ($(kill -l $((rc - 128)))), workload \"$workload\"" >&2
        exit 1 ;;
    esac
done

# ---- The suites ---------------------------------------------------------------------------------

bad=0
echo "What is asked of every stage:"
echo
export STRATA_ENGINE=$engine
LOGS=$out/logs TAIL=8 SKIP='golden|explorer|oracle' B=$B STAGE=$STAGE QUICK=${QUICK:-} "${0%/*}/run.sh" "$only" | tee "$out/suites.txt"
[ "${PIPESTATUS[0]}" -eq 0 ] || bad=1
unset STRATA_ENGINE
cat <<'END'

Skipped, as they are about files and code of ours: golden (directories that our formats must go on to
read), explorer and oracle (the tests of the tests), the unit tests, tests/stages (modules, and what
is weak on purpose), fuzz (our decoders), mutants. `strata inspect` knows our formats only.
END

# ---- The crash explorer -------------------------------------------------------------------------

if [ -z "$only" ]; then
    echo
    echo "Crashed at every call (strata crash; all of it: $out/crash.txt):"
    echo
    depth=$([ -n "${QUICK:-}" ] && echo quick || echo usual)
    : >"$out/crash.txt"
    for model in $(models); do
        keep=
        [ -d "$out/state" ] || keep="--keep $out/state"
        # shellcheck disable=SC2086 # two words, or none
        crash --depth "$depth" --model "$model" $keep >"$out/model.txt" 2>"$out/crash.err"
        rc=$?
        case $rc in 0 | 8) ;; *) cat "$out/model.txt" "$out/crash.err" ;; esac
        # without that line it was ended from within, with whatever status
        grep -q "^crash: stage=$STAGE model=$model " "$out/model.txt" ||
            echo "crash: stage=$STAGE model=$model ended with status $rc violations=1" >>"$out/model.txt"
        [ $rc -eq 0 ] && grep -q '^crash: .* violations=0$' "$out/model.txt" || bad=1
        grep -E '^crash: |^operation|^all ' "$out/model.txt"
        cat "$out/model.txt" >>"$out/crash.txt"
        sed -n '/^==== A broken promise/,$p' "$out/model.txt" >"$out/broken_$model.txt"
        # a power cut is reported once
        [ "$model" = posix ] && [ -s "$out/broken_ordered.txt" ] || cat "$out/broken_$model.txt" >>"$out/broken.txt"
    done
    promises power-cut || echo "Not cut: the power, which stage $STAGE does not promise to survive. \`make crash\` shows what is lost."
fi

# ---- What it comes to ---------------------------------------------------------------------------

# "SUITE TEST" of every test that failed; a suite that died has no test to name: "SUITE ended ...".
failures() {
    local log suite
    for log in "$out"/logs/*.log; do
        suite=$(basename "${log%.log}" | sed -E 's/^stage_[0-9]+_//')
        grep -aE '^not ok ' "$log" | grep -av '# *SKIP' |
            sed -E "s/^not ok - stage [0-9]+ [a-z_]+ (ended|reported)/$suite \1/; t
                s/^not ok [0-9]* *-? *([A-Za-z0-9_]+).*/$suite \1/"
    done
    sed -n 's/^crash: stage=[0-9]* model=\([a-z]*\) .* violations=[1-9].*/strata_crash \1/p' "$out/crash.txt" 2>/dev/null
}

echo
if [ $bad -eq 0 ]; then
    echo "$engine keeps every promise of stage $STAGE that was asked for: $(tail -1 "$out/suites.txt")."
    exit 0
fi
missing=$(grep -ahoE 'not written yet: sitting [0-9]+, [a-z_0-9]+\.[ch] \w+' "$out"/logs/*.log | sort -V | head -1)
[ -n "$missing" ] && printf 'A body is %s. It may be all that is broken here.\n\n' "$missing"
echo "Broken, of what stage $STAGE promises:"
failures >"$out/failures.txt"
awk -v table="$table" -v alone="$out/alone.txt" '
    BEGIN {
        while ((getline line < table) > 0)
            if (line !~ /^(#|$)/) { split(line, f, "\t"); pattern[++n] = f[1]; text[n] = f[2] }
        text[n + 1] = "other"
    }
    {
        for (i = 1; i <= n && $0 !~ pattern[i]; i++) ;
        if ($1 != "strata_crash" && (!first || i < first)) { first = i; test = $0 }
        sub(/^strata_crash /, "strata crash --model ")
        if (++count[i] <= 4) by[i] = by[i] "\n      " $0
    }
    END {
        print test > alone
        for (i = 1; i <= n + 1; i++)
            if (count[i])
                printf "\n  %s\n    is broken by%s%s\n", text[i], by[i], (count[i] > 4 ? "\n      and " (count[i] - 4) " more" : "")
    }' "$out/failures.txt"
if read -r suite test <"$out/alone.txt" && [ -n "$suite" ]; then
    echo
    echo "The first of these tests again, alone:"
    echo
    program=$(echo "$B"/tests/c*/"${suite}_test")
    case $test in 'ended '* | 'reported '*) test= ;; *) test="STRATA_TEST=$test " ;; esac # or all of them
    echo "STRATA_STAGE=$STAGE STRATA_ENGINE=$(printf %q "$engine") $test$program"
fi
[ -s "$out/broken.txt" ] && echo && cat "$out/broken.txt"
[ -d "$out/state" ] && echo && echo "(A directory with such files is there: $out/state)"
exit 1
