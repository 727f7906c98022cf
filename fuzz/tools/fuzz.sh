#!/bin/bash
# Fuzzes targets with AFL++, one after another, each for TIME seconds, and ends with a line for each:
#
#   fuzz: target=wal execs=184223 per_s=3120 stability=99.81% edges=1650 corpus=214 crashes=0 hangs=0 branch=94.2% line=97.1%
#
# per_s counts the processors' seconds that the fuzzer and the target used, so that what else runs on
# the machine does not count; branch and line: of the sources in fuzz/targets.txt, by the corpus
# alone. Exit code 1 when something was found: then each finding has its input, made as small as
# may be, its annotated dump, the stack and the command that shows it again.
#
#   STAGE= TIME=60 JOBS=2 ENGINE= LONG= fuzz/tools/fuzz.sh [TARGET]      (make fuzz has built it)
#
# JOBS=1: one fuzzer on the target with ASan and UBSan. JOBS=2: a second one beside it, with CmpLog,
# on the target without them. CORE=1: TIME is seconds that processors worked for it, however long that
# takes (it may run at nice 19), and so are the seconds that are printed. LONG=1, which is CORE=1 too, goes
# on where the last run with LONG ended, in build/fuzz/long, and what came out is added to docs/fuzz
# (fuzz/tools/long.sh).
set -u
only=${1:-} time=${TIME:-60} STAGES=${STAGE:-} engine=${ENGINE:-}
jobs=${JOBS:-$(nproc)}
[ "$jobs" -gt 2 ] && jobs=2
afl=build/afl/fuzz/afl cmplog=build/cmplog/fuzz/afl reached=build/reached/fuzz/replay
work=build/fuzz limits=(-V "$time" -t 2000) core=${CORE:-${LONG:-}}
# watch ends it. 10 s for an input, as others may have the processor for most of them.
[ -n "$core" ] && limits=(-t 10000)
[ -n "${LONG:-}" ] && work=build/fuzz/long
mutator=$PWD/build/fuzz/mutator.so
[ -n "${NO_MUTATOR:-}" ] && mutator=
mkdir -p "$work"

# What AFL++ would ask of the machine: where cores go to, how fast the processors are, which core is
# free. A container grants none of that, and what runs in CI needs none.
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1
export AFL_FORKSRV_INIT_TMOUT=60000 AFL_NO_WARN_INSTABILITY=1
# Stacks are of no use while it runs, and cost a third of the time.
running=abort_on_error=1:symbolize=0:detect_leaks=0:allocator_may_return_null=1:malloc_context_size=0:quarantine_size_mb=1:max_malloc_fill_size=256:check_printf=0
telling=abort_on_error=1:symbolize=1:detect_leaks=0:allocator_may_return_null=1:handle_abort=1
ubsan=halt_on_error=1:abort_on_error=1:print_stacktrace=1
export UBSAN_OPTIONS=$ubsan:symbolize=0
export ASAN_SYMBOLIZER_PATH=${ASAN_SYMBOLIZER_PATH:-$(command -v llvm-symbolizer || command -v llvm-symbolizer-14)}

if [ -n "$engine" ]; then
    [ -r "$engine" ] || { echo "fuzz.sh: there is no $engine" >&2; exit 2; }
    [ -n "$STAGES" ] || { echo "fuzz.sh: ENGINE= needs STAGE=N, the stage it is judged by" >&2; exit 2; }
    STRATA_ENGINE=$(realpath "$engine")
    export STRATA_ENGINE
fi

# ---- Which targets ----------------------------------------------------------------------------

# name|stage|file|sources, one a line; a target of all stages that runs the stage it is given has
# a line for each.
targets() {
    local name in file sources s dir
    while read -r name in file sources; do
        case $name in '' | \#*) continue ;; esac
        [ -z "$only" ] || [ "$only" = "$name" ] || continue
        case $STAGES:$in in
        :all | *:all) [ -z "$engine" ] || [ "$name" = engine ] || continue ;;
        :*) ;;
        *) case ,$in, in *,$STAGES,*) ;; *) continue ;; esac ;;
        esac
        if [[ $sources = *%* ]]; then
            for dir in "stages/$([ -z "$STAGES" ] || printf %02d "$STAGES")"*/; do
                s=${dir#stages/} s=${s%%_*}
                echo "$name|$((10#$s))|$file|$(echo "$dir"*.c)"
            done
        else
            echo "$name||$file|$sources"
        fi
    done <fuzz/targets.txt
}

# ---- While it runs ----------------------------------------------------------------------------

# The seconds of processor that processes and all below them have used, and who these are.
processor_seconds() { # PID...
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v roots="$*" -v hz="$(getconf CLK_TCK)" '
        BEGIN { for (n = split(roots, list, " "); n; n--) root[list[n]] = 1 }
        { pid = $1; sub(/^.*\) /, ""); parent[pid] = $2; used[pid] = $12 + $13 + $14 + $15 }
        END {
            for (p in used) {
                for (q = p; q != "" && !(q in root) && q > 1; q = parent[q]) ;
                if (q in root) { sum += used[p]; all = all " " p }
            }
            printf "%.2f%s\n", sum / hz, all
        }'
}

# AFL++ leaves the program behind that it asked for what is compared (CmpLog).
end_left_behind() { # PID...
    local pid
    for pid in "$@"; do
        case $(readlink "/proc/$pid/exe") in "$PWD/$afl"/* | "$PWD/$cmplog"/*) kill -KILL "$pid" 2>/dev/null ;; esac
    done
}

# The newest line of plot_data, as "execs edges corpus crashes hangs".
progress() {
    tail -n 1 "$1/plot_data" 2>/dev/null | awk -F', *' '/^[0-9]/ { print $12, $13, $4, $8, $9 }'
}

show_status() { # OUT LABEL SECOND
    local execs edges corpus crashes hangs
    [ -t 2 ] || return
    read -r execs edges corpus crashes hangs <<<"$(progress "$1/main")"
    printf '\r%-14s %4d s of %d, %s executions, %s edges, %s inputs, %s crashes, %s hangs \033[K' "$2" \
        "$3" "$time" "${execs:-0}" "${edges:-0}" "${corpus:-0}" "${crashes:-0}" "${hangs:-0}" >&2
}

# ---- One target -------------------------------------------------------------------------------

# All inputs there are, in one directory, each content once.
gather() { # NAME DIR
    local from file
    rm -rf "$2"
    mkdir -p "$2"
    for from in seeds corpus regress; do
        [ -n "${SEEDS_ONLY:-}" ] && [ $from != seeds ] && continue
        for file in "fuzz/$from/$1"/*; do
            [ -s "$file" ] && cp "$file" "$2/$(md5sum <"$file" | cut -c1-16)"
        done
    done
}

start() { # LABEL NAME WHO BINARY OPTION...
    local out=$work/out/$1 words=() who=$3 binary=$4 in=$work/in/$1 dict
    for dict in fuzz/dict/$2.dict fuzz/dict/files.dict; do
        [ -e "$dict" ] && [ "$2" != engine ] && words=(-x "$dict") && break
    done
    shift 4
    [ -e "$out/$who/fuzzer_stats" ] && in=-
    AFL_CUSTOM_MUTATOR_LIBRARY=$mutator ASAN_OPTIONS=$running afl-fuzz -i "$in" -o "$out" -S "$who" \
        "${limits[@]}" -m none -G 2048 "${words[@]}" "$@" -- "$binary" >"$out.$who.log" 2>&1 </dev/null &
    fuzzers+=($!)
}

end_fuzzers() {
    [ ${#fuzzers[@]} -gt 0 ] && kill "${fuzzers[@]}" 2>/dev/null
    wait
    end_left_behind "${!family[@]}"
}
family=()
trap 'end_fuzzers; exit 130' INT TERM

# Waits for the fuzzers; $used is the processors' time.
watch() { # LABEL
    local began=$SECONDS now pid pids
    used=0 family=()
    while kill -0 "${fuzzers[@]}" 2>/dev/null; do
        sleep 0.5
        read -r now pids <<<"$(processor_seconds "${fuzzers[@]}")"
        for pid in $pids; do family[pid]=1; done
        used=$(awk -v a="$used" -v b="$now" 'BEGIN { print (a > b ? a : b) }')
        show_status "$1" "$(if [ -n "$core" ]; then printf %.0f "$used"; else echo $((SECONDS - began)); fi)"
        [ -n "$core" ] && awk -v u="$used" -v t="$time" 'BEGIN { exit !(u >= t) }' && kill -INT "${fuzzers[@]}" 2>/dev/null
    done
    wait "${fuzzers[@]}"
    fuzzers=()
    end_left_behind "${!family[@]}"
    [ -t 2 ] && printf '\r\033[K' >&2
}

stat_of() { # LABEL WHO FIELD
    awk -F' *: *' -v field="$3" '$1 == field { print $2 }' "$work/out/$1/$2/fuzzer_stats" 2>/dev/null
}

# ---- What was found ---------------------------------------------------------------------------

# What the target says of some inputs: its output, and < 0 its exit code.
tell() { # NAME FILE...
    local binary=$afl/$1
    shift
    { ASAN_OPTIONS=$telling UBSAN_OPTIONS=$ubsan timeout 20 "$binary" "$@" 2>&1 </dev/null; } 2>/dev/null
}

# Paths as they are in the tree.
short_paths() { sed -E 's#/[^ ]*/((common|stages|fuzz)/)#\1#g'; }

# The line that says what is wrong, without what differs from run to run.
reason() {
    grep -aE 'violated: |SUMMARY: |runtime error: ' | grep -av 'Sanitizer: ABRT' | head -1 | short_paths |
        sed -E 's/^SUMMARY: //; s/==[0-9]+==//; s/0x[0-9a-f]+/ADDRESS/g'
}

# Where it went wrong; the next one may be where the memory came from.
first_stack() { awk '/^ *#[0-9]+ / { print; seen = 1; next } seen { exit }'; }

annotate() { # NAME FILE AS
    case $3 in
    -) if [ "$1" = engine ]; then
            STRATA_FUZZ_SHOW=1 tell "$1" "$2" | grep -aE '^ *[0-9]+: ' | tail -40
        else
            od -A d -c "$2" | head -20
        fi ;;
    *) mkdir -p "$work/show" && cp "$2" "$work/show/$3" && build/strata inspect "$work/show/$3" 2>&1 | head -60 ;;
    esac | sed 's/^/    | /'
}

# Adds a finding, once for each reason.
finding() { # NAME LABEL AS FILE
    local name=$1 label=$2 as=$3 file=$4 text why id small
    text=$(tell "$name" "$file")
    why=$(reason <<<"$text")
    [ -z "$why" ] && why="the target ended with: $(tail -n 1 <<<"$text")"
    id=$(md5sum <<<"${why//[0-9]/}" | cut -c1-8)
    grep -qsx "$label $id" "$work/found.list" && return
    echo "$label $id" >>"$work/found.list"
    mkdir -p "$work/found/$label"
    small=$work/found/$label/$id
    cp "$file" "$small"
    [ -n "${MINIMISE:-1}" ] && ASAN_OPTIONS=$running AFL_TMIN_EXACT=1 timeout 60 afl-tmin -m none -t 2000 -i "$file" -o "$small.min" \
        -- "$afl/$name" >"$small.tmin.log" 2>&1 && [ "$(tell "$name" "$small.min" | reason | tr -d 0-9)" = "${why//[0-9]/}" ] && mv "$small.min" "$small"
    {
        echo "found: target=$label bytes=$(stat -c %s "$small"): $why"
        annotate "$name" "$small" "$as"
        tell "$name" "$small" | first_stack | short_paths | grep -aE '^ *#[0-9]+ .* (common|stages|fuzz)/[^ ]*:' | grep -avE ' fuzz_violated | LLVMFuzzer' |
            head -12 | sed -E 's/ 0x[0-9a-f]+ / /; s/^/    /'
        echo "    again: ${STRATA_STAGE:+STRATA_STAGE=$STRATA_STAGE }${STRATA_ENGINE:+STRATA_ENGINE=$STRATA_ENGINE }$afl/$name $small"
        echo "    keep:  mkdir -p fuzz/regress/$name && cp $small fuzz/regress/$name/WHAT_IT_SHOWED"
    } >>"$work/found.txt"
}

# Does it take 10 s of a processor, or two minutes of waiting?
hangs_really() { # NAME FILE
    (ulimit -c 0 -t 10 && exec timeout 120 "$afl/$1" "$2") >/dev/null 2>&1 </dev/null
    case $? in 124 | 137 | 152) return 0 ;; *) return 1 ;; esac
}

# Crashes and hangs of all fuzzers on a target; a hang counts when it is one alone too.
look_through() { # NAME LABEL AS
    local file
    crashes=0 hangs=0
    for file in "$work/out/$2"/*/crashes/id* "$work/bad/$2"/*; do
        [ -e "$file" ] || continue
        crashes=$((crashes + 1))
        [ "$crashes" -le 10 ] && finding "$1" "$2" "$3" "$file"
    done
    for file in "$work/out/$2"/*/hangs/id*; do
        [ -e "$file" ] || continue
        hangs_really "$1" "$file" || continue
        hangs=$((hangs + 1))
        echo "found: target=$2: it takes more than 10 s: time $afl/$1 $file" >>"$work/found.txt"
    done
}

# Inputs that fail before anything is fuzzed: AFL++ would pass over them.
try_inputs() { # NAME LABEL
    local file
    rm -rf "$work/bad/$2"
    tell "$1" "$work/in/$2"/* >"$work/inputs.log"
    case $? in
    0) return 0 ;;
    77) echo "fuzz: target=$2 skipped: $(grep -a 'another format' "$work/inputs.log")" && return 1 ;;
    esac
    mkdir -p "$work/bad/$2"
    for file in "$work/in/$2"/*; do
        tell "$1" "$file" >/dev/null || mv "$file" "$work/bad/$2/"
    done
    return 0
}

# "94.2% 97.1%": branches and lines of the sources, by the corpus alone.
cover() { # NAME LABEL SOURCE...
    local name=$1 profile=$work/profile/$2 corpus
    shift 2
    mapfile -t corpus < <(find "$work/out/$label"/*/queue "$work/in/$label" -type f -name '[^.]*' 2>/dev/null)
    rm -rf "$profile"* && mkdir -p "$work/profile"
    printf '%s\0' "${corpus[@]}" | LLVM_PROFILE_FILE=$profile.%p.raw xargs -0 "$reached/$name" >/dev/null 2>&1
    $(command -v llvm-profdata || echo llvm-profdata-14) merge -o "$profile" "$profile".*.raw 2>/dev/null &&
        $(command -v llvm-cov || echo llvm-cov-14) report "$reached/$name" -instr-profile="$profile" -show-branch-summary "$@" 2>/dev/null |
        awk '/^TOTAL/ { printf "%s %s\n", $NF == "-" ? "100%" : $NF, $(NF - 3) }' | sed -E 's/([0-9]+\.[0-9])[0-9]*/\1/g'
    rm -f "$profile".*.raw
}

run() { # NAME STAGE AS SOURCE...
    local name=$1 stage=$2 as=$3 label=$1${2:+.$2} who execs=0 n branch line before_execs=0 before_time=0
    shift 3
    export STRATA_STAGE=${stage:-${engine:+$STAGES}}
    [ -x "$afl/$name" ] || { echo "fuzz.sh: $afl/$name is not built: make fuzz-build" >&2; exit 2; }
    mkdir -p "$work/out"
    [ -z "${LONG:-}" ] && rm -rf "$work/out/$label"
    rm -f "$work/found.list"
    gather "$name" "$work/in/$label"
    try_inputs "$name" "$label" || return
    fuzzers=()
    if [ -n "${LONG:-}" ]; then
        for who in main second; do
            n=$(stat_of "$label" $who execs_done)
            before_execs=$((before_execs + ${n:-0}))
        done
        before_time=$(stat_of "$label" main run_time)
    fi
    used=0
    if [ -z "${AFL_BENCH_UNTIL_CRASH:-}" ] || [ ! -d "$work/bad/$label" ]; then # else a seed has shown it already
        start "$label" "$name" main "$afl/$name"
        [ "$jobs" -gt 1 ] && start "$label" "$name" second "$cmplog/$name" -c 0 -l 2
        watch "$label"
    fi
    for who in main second; do
        n=$(stat_of "$label" $who execs_done)
        execs=$((execs + ${n:-0}))
    done
    if [ "$execs" -eq 0 ] && [ ! -d "$work/bad/$label" ]; then
        echo "fuzz: target=$label did not run:"
        tail -20 "$work/out/$label.main.log"
        exit 2
    fi
    look_through "$name" "$label" "$as"
    branch='' line=''
    [ -n "${NO_COVER:-}" ] || read -r branch line <<<"$(cover "$name" "$label" "$@")"
    echo "fuzz: target=$label execs=$execs per_s=$(awk -v e="$((execs - before_execs))" -v u="$used" 'BEGIN { print (u > 0 ? int(e / u) : 0) }')" \
        "stability=$(stat_of "$label" main stability) edges=$(stat_of "$label" main edges_found)" \
        "corpus=$(stat_of "$label" main corpus_count) crashes=$crashes hangs=$hangs branch=${branch:--} line=${line:--}" \
        "seconds=$(if [ -n "$core" ]; then printf %.0f "$used"; else stat_of "$label" main run_time; fi)" |
        tee -a "$work/table.txt"
    [ -z "${LONG:-}" ] || fuzz/tools/long.sh add "$label" $((execs - before_execs)) "$used" "$(stat_of "$label" main edges_found)" \
        "$(stat_of "$label" main corpus_count)" $((crashes + hangs)) "$work/out/$label/main/plot_data" "${before_time:-0}"
}

rm -rf "$work/found" "$work/found.txt" "$work/table.txt" "$work/show"
mapfile -t list < <(targets)
if [ ${#list[@]} -eq 0 ]; then
    echo "fuzz.sh: no such target: ${only:-of stage $STAGES} (fuzz/targets.txt)" >&2
    exit 2
fi
for entry in "${list[@]}"; do
    IFS='|' read -r name stage as sources <<<"$entry"
    # shellcheck disable=SC2086 # several sources
    run "$name" "$stage" "$as" $sources
done
if [ -s "$work/found.txt" ]; then
    cat "$work/found.txt"
    exit 1
fi
