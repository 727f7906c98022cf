#!/bin/bash
# Puts known bugs into the code, one at a time, and has the tests find them. A bug is a patch,
# tests/mutants/DIR/NAME.patch; what stands above its first "---" line is its header:
#
#   Bug: what is wrong, and what it costs
#   Real: the engine that had it, and where that was written down; or "none known"
#   Test: stage 3 crash/power_cut_test power_cut_posix_loses_nothing_synced
#
# (a line that begins with two spaces goes on with the field above it; a test of tests/unit is run
# for no stage: "Test: unit/fs_test NAME".)
#
#   B=build STAGE= tests/tools/mutants.sh [--full] [WORD]    only patches whose path contains WORD
#   SAMPLE=5                    of those only one in five, another fifth at each commit; of those whose patch, patched
#                               file or test the last 10 commits changed 25 at most; and each that no longer applies
#
# In copies of the tree, so that the tree itself is never touched: first every named test must pass
# without a bug, else its failing proves nothing. Then each patch is applied, without fuzz, what it
# changes is built again, and the named test must fail; with --full the whole suite is run instead.
# (tests/mutants/site is for a browser: tests/browser/mutants.sh.)
# Survivors fail, and so do patches that no longer apply, do not compile or name no test. The last
# line is "mutants: N killed, N survived". JOBS=2 copies at a time. A test that takes 10 s longer than
# ten times what it takes without a bug, or MUTANT_SECONDS=60 (--full: a suite 300), is ended and
# counts as one that failed; the line says so.
set -u
B=${B:-build}
full=
[ "${1:-}" = --full ] && { full=1; shift; }
only=${1:-}
jobs=${JOBS:-2}
limit=${MUTANT_SECONDS:-$([ -n "$full" ] && echo 300 || echo 60)}
case $B in /*) echo "mutants.sh: B=$B is not within the tree" >&2; exit 2 ;; esac
command -v patch >/dev/null || { echo "mutants.sh: there is no program patch" >&2; exit 2; }

tree=$PWD logs=$PWD/$B/mutants
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
rm -rf "$logs" && mkdir -p "$logs" "$work/clean/$B" || exit 1
unset MAKEFLAGS MAKELEVEL MFLAGS STRATA_STAGE STRATA_ENGINE
dir=/
[ -n "${STAGE:-}" ] && dir=$(printf '/%02d_' "$STAGE")
unset STAGE
[ -n "${EDIT:-}" ] || { EDIT=$(cat "$B/edit.txt" 2>/dev/null) && export EDIT; } # make would look each time
export B CMOCKA_MESSAGE_OUTPUT=TAP NO_INSTALL=1 QUICK=1 STRATA_SEED=${STRATA_SEED:-1}
export tree logs work limit full

mapfile -t patches < <(cd tests/mutants 2>/dev/null && ls -d ./*/*.patch 2>/dev/null | grep -v '^\./site/' |
    sed 's|^\.||; s|\.patch$||' | grep -F -- "$only" | grep -F -- "$dir" | sed 's|^/||')
[ ${#patches[@]} -gt 0 ] || { echo "mutants.sh: no patch of that name in tests/mutants" >&2; exit 2; }

# field PATCH NAME: the header's field, on one line.
field() {
    awk -v name="$2:" '
        /^--- / { exit }
        $1 == name { on = 1; sub(/^[^:]*: */, ""); text = $0; next }
        on && /^  +[^ ]/ { sub(/^ +/, ""); text = text " " $0; next }
        { on = 0 }
        END { print text }' "$tree/tests/mutants/$1.patch"
}

# "NAME FILE" lines: each patch, the files that it changes, and its test.
files_of() { # PATCH...
    (cd tests/mutants && awk '
        FNR == 1 { name = FILENAME; sub(/\.patch$/, "", name); print name, "tests/mutants/" FILENAME }
        /^Test: / { print name, "tests/" ($2 == "stage" ? $4 : $2) ".c" }
        /^\+\+\+ b\// { print name, substr($2, 3) }' "${@/%/.patch}")
}

# What the last 10 commits changed, and what is not committed.
changed_files() {
    local since=HEAD
    git rev-parse -q --verify HEAD~10 >/dev/null 2>&1 && since=HEAD~10
    git diff --name-only "$since" 2>/dev/null
    git ls-files --others --exclude-standard 2>/dev/null
}

# The names that a sample has. SEED= is for tests.
sample() { # PATCH...
    local seed
    seed=${SEED:-$(git rev-parse HEAD 2>/dev/null | cksum | cut -c1-6)}
    {
        files_of "$@" | awk 'NR == FNR { changed[$0]; next } $2 in changed { print $1 }' <(changed_files) - | sort -u |
            awk -v seed="$seed" '{ all[NR] = $0 } END { for (i = 0; i < NR && i < 25; i++) print all[(seed + int(i * NR / (NR < 25 ? NR : 25))) % NR + 1] }'
        printf '%s\n' "$@" | awk -v seed="$seed" -v of="$SAMPLE" '(seed + NR) % of == 0'
    } | sort -u
}

# A copy of the tree with what is built, times kept: only what a patch changes is built again.
copy_tree() {
    local spare=()
    [ -n "$full" ] || spare=(--exclude=./fuzz)
    tar -C "$tree" -cf - --exclude=./.git --exclude=./build . | tar -C "$work/clean" -xf - || return 1
    tar -C "$tree/$B" -cf - --exclude=./asan --exclude=./tsan --exclude=./cov --exclude=./clang \
        --exclude=./afl --exclude=./cmplog --exclude=./reached --exclude=./libfuzzer --exclude=./ci --exclude=./alone \
        --exclude=./bare --exclude=./workshop-runs --exclude=./check --exclude=./mutants --exclude=./test-logs "${spare[@]}" . | tar -C "$work/clean/$B" -xf -
}

# Without optimization: what is built here runs once.
build() { # COPY TARGET...
    (cd "$1" && shift && exec make -s B="$B" MODE="${MODE:-plain}" OPT=-O0 DEBUG= "$@")
}

log_without() { echo "$logs/without_$(tr -c 'a-zA-Z0-9_\n' _ <<<"$1").log"; } # TEST

# Seconds that a test may take: as it took without a bug, which check_test wrote down.
limit_of() { # TEST
    local most spent
    read -r spent 2>/dev/null <"$(log_without "$1").seconds" || { echo "$limit"; return; }
    most=$((10 + 10 * spent))
    echo $((most < limit ? most : limit))
}

# run_test COPY TEST: TEST is the header's field. 0 passed, 124 time limit, otherwise failed.
run_test() {
    local stage='' program name
    read -r program name <<<"$2"
    [ "$program" = stage ] && read -r _ stage program name <<<"$2"
    cd "$1" || return 1
    STRATA_STAGE=$stage STRATA_TEST=$name STRATA=$1/$B/strata \
        timeout "$(limit_of "$2")" "$B/tests/$program" </dev/null 2>&1
}

program_of() { sed -E 's/^stage +[0-9]+ +//; s/ .*//' <<<"$1"; }

# check_test TEST: it passes without a bug, alone; with its log.
check_test() {
    local log rc began=$SECONDS
    log=$(log_without "$1")
    run_test "$work/clean" "$1" >"$log"
    rc=$?
    echo $((SECONDS - began + 1)) >"$log.seconds"
    if [ $rc -eq 0 ] && ! grep -aqE '^ok ' "$log"; then
        echo "there is no such test: $1" >"$log.bad"
    elif [ $rc -eq 0 ] && grep -aqE '^(not )?ok .*# *SKIP' "$log"; then
        echo "the test is skipped: $1" >"$log.bad"
    elif [ $rc -ne 0 ]; then
        echo "the test fails without a bug: $1 ($log)" >"$log.bad"
    fi
}

# Makes the copy as it was: whatever is newer than its stamp comes from the clean one, or goes.
restore() {
    local file
    (cd "$1" && find . -newer "$1.stamp" ! -type d -print0) | while IFS= read -r -d '' file; do
        if [ -e "$work/clean/$file" ]; then
            cp -p --remove-destination "$work/clean/$file" "$1/$file"
        else
            rm -f "$1/$file"
        fi
    done
}

# Applies a patch exactly; prints what does not.
apply() { # COPY NAME [--dry-run]
    local out
    out=$(cd "$1" && patch ${3:+"$3"} -p1 -F0 -f -r - --no-backup-if-mismatch <"$tree/tests/mutants/$2.patch" 2>&1) &&
        return 0
    awk -v name="$2" '
        /^patching file / { file = $3 }
        /^can.t find file|No file to patch/ { print name ": it changes a file that is not there"; told = 1 }
        /^Hunk #[0-9]+ FAILED/ {
            sub(/#/, "", $2)
            print name ": hunk " $2 " no longer applies to " file ", near line " ($5 + 0); told = 1
        }
        { all = all "\n" $0 }
        END { if (!told) print name ": it does not apply:" all }' <<<"$out"
    return 1
}

verdict() { # WORD NAME TEXT BEGIN
    local spent=$((($(date +%s%N) - $4) / 1000000))
    echo "$1" >"$logs/${2//\//.}.verdict"
    printf '%-8s %-50s %s  %d.%d s\n' "$1" "$2" "$3" $((spent / 1000)) $((spent % 1000 / 100))
}

whole_suite() { # COPY LOG JOBS
    (cd "$1" && JOBS=$3 SUITE_SECONDS=$limit STRATA_SEED=$STRATA_SEED tests/tools/run.sh) >"$2" 2>&1
}

# One mutant, in the copy of this lane.
try() {
    local name=$1 copy=$work/lane$LANE log begin rc test what text
    begin=$(date +%s%N)
    log=$logs/${name//\//.}.log
    test=$(field "$name" Test)
    [ -d "$copy" ] || cp -a "$work/clean" "$copy" || return
    touch -d '2 seconds ago' "$copy.stamp"
    if ! text=$(apply "$copy" "$name"); then
        verdict FAILED "$name" "${text#*: }" "$begin"
        restore "$copy"
        return
    fi
    what=$B/tests/$(program_of "$test")
    [ -n "$full" ] && what="tests-build $([ -d fuzz ] && echo fuzz-replay-build)"
    # shellcheck disable=SC2086 # several targets
    if ! build "$copy" $what >"$log" 2>&1; then
        verdict FAILED "$name" "it does not compile: $log" "$begin"
        restore "$copy"
        return
    fi
    if [ -n "$full" ]; then
        whole_suite "$copy" "$log" 1
        rc=$?
        text="by $(grep -c '^FAILED' "$log") suites:$(awk '/^FAILED/ {
            sub(/ +[0-9]+ passed.*/, ""); sub(/^FAILED +/, ""); printf "%s %s", n++ ? "," : "", $0 }' "$log")"
    else
        run_test "$copy" "$test" >"$log"
        rc=$?
        text="$test"
        [ $rc -eq 124 ] && text="$test: ended by the time limit of $(limit_of "$test") s"
        [ $rc -ge 128 ] && text="$test: it crashed, signal $((rc - 128))"
    fi
    if [ $rc -ne 0 ]; then
        verdict killed "$name" "$text" "$begin"
    else
        verdict SURVIVED "$name" "$test ($log)" "$begin"
    fi
    restore "$copy"
}
export -f field build log_without limit_of run_test program_of check_test restore apply verdict whole_suite try

# ---- The headers, and the tests without a bug -----------------------------------------------

copy_tree || exit 1
tests=() programs=() usable=() bad=0
if [ -n "${SAMPLE:-}" ]; then
    all=("${patches[@]}")
    mapfile -t patches < <(sample "${all[@]}")
    for name in "${all[@]}"; do
        apply "$work/clean" "$name" --dry-run >/dev/null || patches+=("$name") # which it then says
    done
    mapfile -t patches < <(printf '%s\n' "${patches[@]}" | sort -u)
    echo "a sample of ${#patches[@]} of ${#all[@]} bugs (all: make mutants)"
fi
for name in "${patches[@]}"; do
    complaint=
    for f in Bug Real Test; do
        [ -n "$(field "$name" $f)" ] || complaint="its header has no $f:"
    done
    if [ -z "$complaint" ]; then
        test=$(field "$name" Test)
        program=$(program_of "$test")
        [ -e "tests/$program.c" ] || complaint="there is no tests/$program.c"
    fi
    if [ -n "$complaint" ]; then
        verdict FAILED "$name" "$complaint" "$(date +%s%N)"
        bad=$((bad + 1))
        continue
    fi
    usable+=("$name") tests+=("$test") programs+=("$B/tests/$program")
done

mapfile -t programs < <(printf '%s\n' "${programs[@]}" | sort -u | grep .)
[ -n "$full" ] && programs=(tests-build) && [ -d fuzz ] && programs+=(fuzz-replay-build)
if ! build "$work/clean" -j"$jobs" "${programs[@]}" >"$logs/build.log" 2>&1; then
    cat "$logs/build.log"
    echo "mutants.sh: the tests do not build without a bug" >&2
    exit 1
fi
printf '%s\0' "${tests[@]}" | sort -zu | xargs -0 -r -P "$jobs" -I{} bash -c 'check_test "$1"' _ {}
if [ -n "$full" ] && ! whole_suite "$work/clean" "$logs/without.log" "$jobs"; then
    grep -E '^FAILED' "$logs/without.log"
    echo "mutants.sh: the suite fails without a bug: $logs/without.log" >&2
    exit 1
fi
if compgen -G "$logs/*.bad" >/dev/null; then
    cat "$logs"/*.bad
    echo "mutants.sh: such a test proves nothing" >&2
    exit 1
fi

# ---- The mutants ----------------------------------------------------------------------------

printf '%s\0' "${usable[@]}" |
    xargs -0 -r -P "$jobs" --process-slot-var=LANE -I{} bash -c 'try "$1"' _ {}

count() { cat "$logs"/*.verdict 2>/dev/null | grep -cx "$1"; }
killed=$(count killed) survived=$(count SURVIVED) bad=$(count FAILED)
unknown=$((${#patches[@]} - killed - survived - bad))
echo "mutants: $killed killed, $survived survived$([ $((bad + unknown)) -gt 0 ] && echo ", $((bad + unknown)) failed")"
[ "$killed" -eq ${#patches[@]} ]
