#!/bin/bash
# The tour: real data through every stage. Each step shows the command that it runs, what the
# command printed, and checks it; the first thing that does not hold ends the tour with status 1.
#
#   B=build STAGE= KEEP= TOUR_QUICK= TOUR_SEED= TOUR_DATA= bench/tour.sh
#
#   STAGE=N        that stage alone         TOUR_SEED=N    choose the same keys and times again
#   KEEP=1         keep the databases       TOUR_DATA=F    another UnicodeData.txt
#   TOUR_QUICK=1   a quarter of the data, short measurements
#
# A stage is found by its directory. What is particular to it comes from there: an optional
# stages/NN_name/tour.txt with lines "step TAB file TAB text", where step is load, get, scan,
# change, disk, kill, flip or measure, and file (in that directory, or from the top if there is a
# slash in it) is what to open in an editor to see how the step is done.
#
# Needs bash, awk and coreutils.
set -u -o pipefail
export LC_ALL=C # keys sort as bytes
SOURCE=${TOUR_DATA:-/usr/share/unicode/UnicodeData.txt}
case $SOURCE in /*) ;; *) SOURCE=$PWD/$SOURCE ;; esac
cd "$(dirname "$0")/.." || exit 1

B=${B:-build}
S=$B/strata
BENCH=$B/bench/strata-bench
WRITER=$B/bench/tour_writer
SEED=${TOUR_SEED:-$(($(date +%s) % 1000000))}

. bench/tour_look.bash

# ---- Where it works --------------------------------------------------------------------------

T='' writer=''
clean_up() {
    [ "$BASHPID" = $$ ] || return # a child of ours, killed before it had dropped our traps
    [ -n "$writer" ] && { kill -9 "$writer" && wait "$writer"; } 2>/dev/null
    ticker_stop
    [ -n "$T" ] || return
    if [ -n "${KEEP:-}" ]; then
        printf '\n  kept: %s\n' "$T"
    else
        rm -rf "$T"
        [ -n "$failed" ] && printf '      to look into it: make tour KEEP=1 TOUR_SEED=%s\n' "$SEED" >&2
    fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for program in "$S" "$BENCH" "$WRITER"; do
    [ -x "$program" ] || { echo "tour: there is no $program: run \"make tour\"" >&2; exit 1; }
done
case ${TMPDIR:-/tmp} in
*[!A-Za-z0-9/._-]*) T=$(mktemp -d /tmp/strata-tour.XXXXXX) ;; # commands are shown without quotes
*) T=$(mktemp -d "${TMPDIR:-/tmp}/strata-tour.XXXXXX") ;;
esac || exit 1
export TMPDIR=$T # of the programs that it runs

stages=()
for mk in stages/*/stage.mk; do
    name=$(basename "${mk%/stage.mk}")
    number=$((10#${name%%_*}))
    [ -n "${STAGE:-}" ] && [ "$number" != "$STAGE" ] && continue
    stages+=("$name")
done
if [ ${#stages[@]} -eq 0 ]; then
    echo "tour: there is no stage ${STAGE:-}" >&2
    exit 2
fi

# ---- The data --------------------------------------------------------------------------------

# "2205;EMPTY SET;Sm;..." becomes "U+002205 TAB EMPTY SET;Sm;...".
read_source() {
    awk -F';' -v quick="${TOUR_QUICK:-}" '
        { key = substr("000000", 1, 6 - length($1)) $1 }
        quick && NR % 4 != 1 && (key < "002200" || key > "0022FF") && key != "01F600" { next }
        { sub(/^[^;]*;/, ""); gsub(/\\/, "\\\\"); print "U+" key "\t" $0 }' "$SOURCE"
}
# Stands in where there is no character database: as many names as the machine can make up.
make_up_source() {
    awk 'BEGIN { for (n = 8192; n < 24576; n++)
        printf "U+%06X\tMADE UP NAME %d;So;0;ON;;;;;N;;;;;\n", n, n }'
}
shuffle() { # a random order, the same for the same seed
    awk -v seed="$SEED" 'BEGIN { srand(seed) } { printf "%.9f\t%s\n", rand(), $0 }' | sort | cut -f 2-
}
character() { # U+002205 as the character itself, in UTF-8
    LC_ALL=C.UTF-8 printf "\\U${1#U+}"
}
value_of() { awk -F'\t' -v key="$1" '$1 == key { print substr($0, length(key) + 2) }' "$T/unicode.tsv"; }

prepare() {
    local key
    if [ -r "$SOURCE" ]; then
        read_source >"$T/unicode.tsv"
        origin=("The data is real: the Unicode character database, every character there is,"
            "in $SOURCE.")
    else
        make_up_source >"$T/unicode.tsv"
        origin=("There is no $SOURCE here"
            "(Debian's package unicode-data), so the tour goes on with data that it made up:"
            "real code points with names that are none.")
    fi
    records=$(wc -l <"$T/unicode.tsv")
    data_bytes=$(($(wc -c <"$T/unicode.tsv") - 2 * records)) # without tabs and line ends
    sort -c -u -k 1,1 -t $'\t' "$T/unicode.tsv" 2>/dev/null ||
        fail "$SOURCE: a key comes twice, or the keys are not in order"
    for key in U+002200 U+002205 U+00221E; do
        [ -n "$(value_of $key)" ] || fail "$SOURCE: there is no record ${key#U+00}"
    done
    shuffle <"$T/unicode.tsv" >"$T/shuffled.tsv"
}

introduce() {
    local count=${#stages[@]}
    rule "Strata: $(group "$records") records through $count stage$([ "$count" -gt 1 ] && echo s)"
    printf '\n'
    say "${origin[@]}" \
        "A line of it becomes a key, the character's number, and a value, the rest:" ""
    say "  2205;$(value_of U+002205)" "  key    U+002205" "  value  $(value_of U+002205)" ""
    say "A line that begins with \$ is a command that is run as you see it; the files" \
        "are in T=$T. What is random follows from seed $SEED."
}

why_six_digits() {
    step "Why six digits? Keys are bytes, and sort as bytes"
    must "printf '%s\\t\\n' U+2205 U+1F600 U+10FFFD | $S load \$T/digits -" 0
    must "$S scan \$T/digits --keys-only"
    printf 'U+10FFFD\nU+1F600\nU+2205\n' | cmp -s - "$T/out" || fail "keys do not sort as bytes"
    say "  The first byte that differs decides: 1 comes before 2, whatever follows. With" \
        "  leading zeros the bytes sort as the numbers do: U+002205, U+01F600, U+10FFFD."
}

# ---- What a stage says of itself -------------------------------------------------------------

survives_of() { "$S" stages | awk -v name="$1" '$3 == name { on = 1 } on && $1 == "survives" {
    sub(/^ *survives */, ""); print; exit }'; }
promises() { "$S" stages | awk -v name="$1" -v word="$2" '
    $1 == "stage" { on = $3 == name } on && $1 == word { found = 1 } END { exit !found }'; }

hint() { # STEP: which file to open
    local word file text
    [ -r "stages/$stage/tour.txt" ] || return
    while IFS=$'\t' read -r word file text; do
        [ "$word" = "$1" ] || continue
        [ -e "stages/$stage/$file" ] && file=stages/$stage/$file
        [ -e "$file" ] || fail "stages/$stage/tour.txt names $file, which is not there"
        printf '    → to see how: open %s%s%s\n' "$bold" "$file" "$off"
        [ -n "$text" ] && printf '      %s%s%s\n' "$dim" "$text" "$off"
    done <"stages/$stage/tour.txt"
}
once() { [ "$stage" = "${stages[0]}" ] && say "$@"; } # explained at the first stage only

# ---- Steps, each on stage $stage, number $n, database $T/$n ------------------------------------

step_load() {
    step "1  Load everything, then read everything"
    must "$S --stage $n load \$T/$n \$T/unicode.tsv"
    disk_bytes=$(bytes_on_disk)
    must "$S dump \$T/$n | cmp - \$T/unicode.tsv"
    ok "all $(group "$records") records are there, in order, byte for byte as in the source"
    hint load
}

bytes_on_disk() { stat -c %s "$T/$n"/* | awk '{ sum += $1 } END { print sum }'; }

step_get() {
    local keys key count
    step "2  Read random keys back"
    keys=$(awk -F'\t' '$1 == "U+01F600" { print $1 }' "$T/unicode.tsv"
        shuffle <"$T/shuffled.tsv" | head -n 3 | cut -f 1)
    count=0
    for key in $keys; do
        must "$S get \$T/$n $key" 1
        [ "$(cat "$T/out")" = "$(value_of "$key")" ] ||
            fail "the source has another value for $key:" "$(value_of "$key")"
        count=$((count + 1))
    done
    ok "$count values, as in the source"
    hint get
}

step_scan() {
    local first=U+002200 past=U+002300 there
    step "3  Scan a block: Mathematical Operators, U+002200 to U+0022FF"
    run_quietly "$S scan \$T/$n --from $first --to $past"
    [ $rc -eq 0 ] || fail "the command above ended with status $rc" "$(head -n 3 "$T/out")"
    # the character itself in front of its line is the tour's addition
    while IFS=$'\t' read -r key value; do
        printf '%s  %s  %s\n' "$(character "$key")" "$key" "$value"
    done < <(head -n 6 "$T/out") >"$T/shown"
    tail -n +7 "$T/out" >>"$T/shown"
    show "$T/shown" 6
    awk -F'\t' -v a=$first -v b=$past '$1 >= a && $1 < b' "$T/unicode.tsv" >"$T/expected"
    there=$(wc -l <"$T/expected")
    cmp -s "$T/expected" "$T/out" ||
        fail "the source has $there records in that block; the scan gave $(wc -l <"$T/out"), or others"
    ok "$there records, as many as the source has in that block, and the same"
    once "  (The tour put the character in front; the rest is as it was printed.)"
    hint scan
}

step_change() {
    local before
    step "4  Overwrite one key, delete another"
    before=$(bytes_on_disk)
    must "$S put \$T/$n U+002205 'nothing at all'"
    must "$S get \$T/$n U+002205"
    [ "$(cat "$T/out")" = "nothing at all" ] || fail "the new value did not come back"
    must "$S del \$T/$n U+00221E"
    run "$S get \$T/$n U+00221E"
    [ $rc -eq 1 ] || fail "a deleted key was found, or not reported as absent: exit status $rc, not 1"
    ok "the new value is read, the deleted key is not found;" \
        "on disk, $(group "$before") bytes became $(group "$(bytes_on_disk)")"
    hint change
}

largest_file() { stat -c '%s %n' "$T/$n"/* | sort -n | tail -n 1 | cut -d ' ' -f 2-; }

step_disk() {
    local file word valid of all unit
    file=$(largest_file)
    step "5  Look at the bytes on disk"
    must "$S inspect \$T/$n/$(basename "$file") | tail -n 17" 17
    read -r word valid of all unit < <(tail -n 1 "$T/out")
    [ "$word $of $unit" = "valid: of bytes" ] && [ "$valid" = "$all" ] ||
        fail "the dump does not end by saying that the whole file is valid"
    ok "all $(group "$all") bytes are valid. From the left: offset, bytes, field, meaning."
    hint disk
}

# Kills the writer once more than a random number of puts are acknowledged, at the latest after
# 1.2 seconds. On a busy machine it may be far beyond by then, but it waits at a third of what is
# left. Leaves $acked.
kill_writer() { # ALREADY THERE
    local left=$((records - $1)) target begin now status
    target=$(($1 + left / 16 + RANDOM % (left / 6 + 1)))
    printf '%20d\n' "$1" >"$T/acked"
    "$WRITER" "$n" "$T/killed$n" "$T/shuffled.tsv" "$1" $(($1 + left / 3)) "$T/acked" 2>"$T/writer" &
    writer=$!
    begin=${EPOCHREALTIME/[.,]/}
    while kill -0 "$writer" 2>/dev/null; do
        read -r acked <"$T/acked" || acked=$1
        now=${EPOCHREALTIME/[.,]/}
        [ "${acked:-0}" -ge "$target" ] && break
        [ "${acked:-0}" -gt "$1" ] && [ $((now - begin)) -gt 1200000 ] && break
        [ $((now - begin)) -gt 60000000 ] && fail "the writer acknowledged nothing in a minute"
        read -r -t 0.0005 <&9 # sleeps; nothing is ever written there
    done
    kill -9 "$writer" 2>/dev/null
    wait "$writer" 2>/dev/null
    status=$?
    writer=
    read -r acked <"$T/acked" || acked=0
    [ $status -eq 137 ] || fail "the writer ended with status $status:" "$(head -n 3 "$T/writer")"
}

# What came back must be the first records of the load's order, at least the acknowledged ones.
check_killed() {
    local torn missing
    "$S" dump "$T/killed$n" >"$T/came.tsv" 2>"$T/warning" ||
        fail "the database does not open after the kill:" "$(head -n 3 "$T/warning")"
    came=$(wc -l <"$T/came.tsv")
    missing=$(head -n "$acked" "$T/shuffled.tsv" | sort | comm -23 - "$T/came.tsv" | wc -l)
    [ "$missing" -eq 0 ] || fail "of $(group "$acked") acknowledged writes $(group "$missing") are missing"
    torn=$(awk 'match($0, /torn record of [0-9]+ bytes/) { print substr($0, RSTART, RLENGTH) }' "$T/warning")
    head -n "$came" "$T/shuffled.tsv" | sort | cmp -s - "$T/came.tsv" ||
        fail "what came back is not the first $(group "$came") records, in the order they were put"
    printf '    %12s  %12s  %9s  %s\n' "$(group "$acked")" "$(group "$came")" "$missing" "${torn:-none}"
}

step_kill() {
    local kills
    acked=0 came=0
    RANDOM=$((SEED % 32768))
    step "6  kill -9, in the middle of a load in random order"
    once "  A put that has returned is acknowledged: the writer notes how many there are." \
        "  It is killed at a random time, and started again behind what came back," \
        "  three times."
    printf '    %s$ %s\n    $ %s%s\n' "$blue" \
        "$WRITER $n \$T/killed$n \$T/shuffled.tsv 0 $((records / 3)) \$T/acked &" "kill -9 \$!" "$off"
    printf '\n    %12s  %12s  %9s  %s\n' acknowledged "came back" missing "torn record dropped"
    for ((kills = 0; kills < 3; kills++)); do
        kill_writer "$came"
        check_killed
    done
    once "" "  One more may come back than was acknowledged: it was written, and the kill" \
        "  came before the writer had noted it. Then the rest is loaded:"
    must "tail -n +$((came + 1)) \$T/shuffled.tsv | $S load \$T/killed$n -"
    must "$S dump \$T/killed$n | cmp - \$T/unicode.tsv"
    ok "nothing acknowledged was lost: each time the first records of the load came" \
        "back, in its order, and no others; now all $(group "$records") are there"
    hint kill
}

# Where the value of a key stands, by the annotated dump: "offset byte", byte in hexadecimal; of a
# table of blocks where the block with the key does, and then "block".
find_value() { # FILE KEY
    "$S" inspect "$1" 2>/dev/null | LC_ALL=C awk -v key="$2" '
        # Of blocks with shared prefixes: as it is stored, or where the compressed block begins.
        /^data block/ { stored = whole = "" }
        / stored +compressed/ { stored = $1 " " $2 " block" }
        match($0, / shared +[0-9]+/) { shared = substr($0, RSTART, RLENGTH); sub(/.* /, "", shared); prefixed = 1; next }
        prefixed && match($0, / key +".*"/) {
            rest = substr($0, RSTART, RLENGTH); sub(/^ key +"/, "", rest); sub(/"$/, "", rest)
            whole = substr(whole, 1, shared) rest; next
        }
        prefixed && whole == key && / value +"/ { print stored ? stored : $1 " " $2; exit }
        index($0, "\"" key "\"") && / key / { mine = 1; next }
        mine && / value / { print $1, $2; exit }
        (keys = index($0, "entries, keys ")) && / stored / { # "begin + first to last"
            tail = substr($0, keys + 14)
            plus = index(tail, " + ")
            begin = substr(tail, 1, plus - 1)
            tail = substr(tail, plus + 3)
            to = index(tail, " to ")
            if (begin substr(tail, 1, to - 1) <= key && key <= begin substr(tail, to + 4)) {
                print $1, $2, "block"
                exit
            }
        }'
}

step_flip() {
    local file place offset byte flipped what
    file=$(largest_file)
    place=$(find_value "$file" U+002200)
    step "7  One bit of a value flips on the disk"
    if ! promises "$stage" damage; then
        say "  (passed over: this stage does not promise to notice)"
        return
    elif [ -z "$place" ]; then
        say "  (passed over: $(basename "$file") does not show where the value of U+002200 is)"
        return
    fi
    read -r offset byte what <<<"$place"
    [ -z "$what" ] || say "  Values are compressed here, so it is one of the block with the value."
    flipped=$(printf %02x $((16#$byte ^ 1)))
    file=$(basename "$file")
    must "cp -r \$T/$n \$T/flipped$n"
    must "printf '\\x$flipped' |
        dd of=\$T/flipped$n/$file bs=1 seek=$offset conv=notrunc status=none"
    run "$S get \$T/flipped$n U+002200"
    if [ $rc -eq 3 ]; then
        ok "$byte became $flipped, and the damage is reported with its place, not served"
    elif [ $rc -eq 0 ] && [ "$(cat "$T/out")" = "$(value_of U+002200)" ]; then
        ok "$byte became $flipped, where nothing is read any more: the value is right"
    else
        fail "a flipped bit was not reported: exit status $rc, not 3"
    fi
    hint flip
}

# ---- The measurement ---------------------------------------------------------------------------

field() { # FILE WORKLOAD NAME: a figure of the driver's JSON, which has one run a line
    awk -v work="\"workload\": \"$2\"" -v name="\"$3\": " '
        index($0, work) && match($0, name "[^,}]*") {
            print substr($0, RSTART + length(name), RLENGTH - length(name)) }' "$1"
}

step_measure() {
    local all=$T/measured$n.json few=$T/sample$n.json
    step "8  Measure"
    run_quietly "$BENCH --stage $n --tsv \$T/unicode.tsv --seed $SEED \\
        --benchmarks filluniquerandom,readrandom,open --seconds $seconds \\
        --json \$T/measured$n.json"
    [ $rc -eq 0 ] || fail "the measurement ended with status $rc:" "$(tail -n 3 "$T/out")"
    run_quietly "$BENCH --stage $n --tsv \$T/unicode.tsv --seed $SEED \\
        --benchmarks filluniquerandom --num 200 --json \$T/sample$n.json"
    [ $rc -eq 0 ] || fail "the measurement ended with status $rc:" "$(tail -n 3 "$T/out")"
    [ "$(field "$all" readrandom n)" = "$(field "$all" readrandom found)" ] ||
        fail "of $(field "$all" readrandom n) gets only $(field "$all" readrandom found) found their key"
    ok "$(group "$(field "$all" readrandom n)") random gets, each compared with the source"
    rows+=("$stage|$(field "$all" filluniquerandom ops_per_s)|$(field "$all" readrandom ops_per_s)|$(field "$all" open p50_us)|$(field "$all" readrandom bytes_read_per_op)|$(field "$few" filluniquerandom fsyncs_per_op)|$disk_bytes|$data_bytes|$survives")
    hint measure
}

print_table() {
    rule "What it costs, and what it survives"
    printf '\n'
    printf '%s\n' "${rows[@]}" | awk -F'|' -v bold="$bold" -v off="$off" -v width="$columns" '
        function grouped(x,   s, t) {
            s = sprintf("%.0f", x)
            while (length(s) > 3) { t = "," substr(s, length(s) - 2) t; s = substr(s, 1, length(s) - 3) }
            return s t
        }
        function bytes(x) {
            return x < 1000 ? sprintf("%.0f B", x) : x < 1e6 ? sprintf("%.1f kB", x / 1e3) : sprintf("%.1f MB", x / 1e6)
        }
        function span(us) {
            return us < 1000 ? sprintf("%.0f us", us) : us < 1e6 ? sprintf("%.1f ms", us / 1e3) : sprintf("%.1f s", us / 1e6)
        }
        function line(name, a, b, c, d, e, f) {
            return sprintf("  %-" names "s%s%9s%s%9s%s%7s%s%8s%s%9s%s%9s", name, gap, a, gap, b, gap, c, gap, d,
                gap, e, gap, f)
        }
        { for (i = 1; i <= NF; i++) cell[NR, i] = $i }
        length($1) > names { names = length($1) }
        length($9) > longest { longest = length($9) }
        END {
            gap = names + 65 <= width ? "  " : " "
            head = line("stage", "writes/s", "reads/s", "open", "read/get", "fsync/put", "disk/data")
            beside = length(head) + 2 + longest <= width
            print bold head (beside ? "  survives" : "") off
            for (r = 1; r <= NR; r++)
                print line(cell[r, 1], grouped(cell[r, 2]), grouped(cell[r, 3]), span(cell[r, 4]),
                    bytes(cell[r, 5]), sprintf("%.2f", cell[r, 6]), sprintf("%.2f", cell[r, 7] / cell[r, 8])) \
                    (beside ? "  " : "\n    survives ") cell[r, 9]
        }'
    printf '\n%s' "$dim"
    say "writes/s   each key once, in random order, one thread; synced as the stage does" \
        "read/get   bytes that the engine read from its files for one get" \
        "fsync/put  on a sample of 200 puts" \
        "disk/data  bytes of the files after loading, for one byte of keys and values"
    printf '%s' "$off"
}

# Only what is there is recommended.
what_next() {
    local file
    rule "Where to go from here"
    printf '\n'
    for file in README.md docs/00_start.md "${stages[@]/#/docs/}"; do
        case $file in docs/[0-9][1-9]_*|docs/[1-9]0_*) file=$file.md ;; esac
        [ -e "$file" ] || continue
        case $file in
        README.md) say "README.md                      what this is, and a map of the folders" ;;
        docs/00_start.md) say "docs/00_start.md               how to read it" ;;
        *) printf '  %-30s %s\n' "$file" "$(sed -n '1s/^[^:]*: //p' "$file")" ;;
        esac
    done
    say "$(printf '%-30s every command, with an example each' "$S help")" \
        "make test                      the proofs" \
        "make start STAGE=1 DIR=../mine for you to write: the first stage without its bodies, sitting by sitting" \
        "make tour KEEP=1               once more, with the databases left to look into"
}

# ---- The tour ----------------------------------------------------------------------------------

mkfifo "$T/silence" && exec 9<>"$T/silence" # read -t sleeps on it, without a process of its own
prepare
seconds=$(awk -v n=${#stages[@]} -v quick="${TOUR_QUICK:-}" 'BEGIN {
    s = 16 / n
    print (quick ? 0.1 : s > 2 ? 2 : s) }')
introduce
why_six_digits
rows=()
for stage in "${stages[@]}"; do
    n=$((10#${stage%%_*}))
    survives=$(survives_of "$stage")
    rule "Stage $n, $stage: survives $survives"
    step_load
    step_get
    step_scan
    step_change
    step_disk
    step_kill
    step_flip
    step_measure
done
print_table
what_next
