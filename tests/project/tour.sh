#!/bin/bash
# The tour in its quick form: it ends well and shows what it should, and everything that it claims
# to check is checked: a program that lies makes it fail.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"
built=$(dirname "$STRATA")
[ -x "$built/bench/strata-bench" ] && [ -x "$built/bench/tour_writer" ] ||
    { echo "not ok - there is no $built/bench/strata-bench or tour_writer: make bench-build"; exit 1; }
mkdir "$work/tmp"
export TMPDIR=$work/tmp B=$built TOUR_QUICK=1 TOUR_SEED=${TOUR_SEED:-$RANDOM}
unset STAGE KEEP TOUR_DATA
echo "# TOUR_SEED=$TOUR_SEED"
tour() { bash "$root/bench/tour.sh"; }
stages=$(ls -d "$root"/stages/*/stage.mk | sed -E 's|.*/([^/]*)/stage.mk|\1|')

# ---- It ends well ----
run tour
is tour_ends_with_0 "$rc $err" "0 "
table=$(printf '%s\n' "$out" | sed -n '/What it costs/,/^  writes.s   each/p')
like tour_table_names_its_columns "$table" \
    '^  stage +writes/s +reads/s +open +read/get +fsync/put +disk/data( +survives)?$'
for stage in $stages; do
    like "tour_table_has_a_row_for_$stage" "$table" \
        "^  $stage +[0-9,]+ +[0-9,]+ +[0-9.]+ (us|ms|s) +[0-9.]+ (B|kB|MB) +[0-9]+\.[0-9]{2} +[0-9]+\.[0-9]{2}"
    like "tour_table_says_what_${stage}_survives" "$table" \
        "$(strata stages | awk -v name="$stage" '$3 == name { getline; sub(/^ *survives */, ""); print }')\$"
done
is tour_has_eight_steps_a_stage "$(printf '%s\n' "$out" | grep -cE '^  [1-8]  [A-Zk]')" \
    $((8 * $(echo "$stages" | wc -l)))
is tour_flips_a_bit_in_every_stage "$(printf '%s\n' "$out" | grep -c 'became .* and the damage is reported')" \
    "$(echo "$stages" | wc -l)"
like tour_shows_three_kills "$(printf '%s\n' "$out" | grep -cE '^ +[0-9,]+ +[0-9,]+ +0  (none|torn)')" \
    "^$((3 * $(echo "$stages" | wc -l)))\$"
is tour_without_terminal_is_plain_text "$(printf '%s' "$out" | tr -d -c '\033\r' | wc -c)" 0
is tour_leaves_nothing_behind "$(ls "$TMPDIR")" ""
is tour_fits_its_columns "$(printf '%s\n' "$out" | tr -d '\200-\377' | awk 'length($0) > 110')" ""

# What is not about the stages is asked of one.
run env KEEP=1 STAGE=1 bash "$root/bench/tour.sh"
kept=$(printf '%s\n' "$out" | sed -n 's/^ *kept: //p')
code tour_kept_databases_open 0 strata verify "$kept/1"
rm -rf "${kept:?}"

cd /
run env STAGE=2 bash "$root/bench/tour.sh"
is tour_runs_from_anywhere "$rc" 0
cd "$work/d" || exit 1

# ---- Other data ----
run env TOUR_DATA="$work/none" STAGE=3 bash "$root/bench/tour.sh"
is tour_without_data_goes_on "$rc $err" "0 "
like tour_without_data_says_what_is_missing "$out" "There is no $work/none here"
printf '2200;FOR ALL;\n2205;EMPTY SET;\n221E;INFINITY;\n2200;AGAIN;\n' >twice.txt
fails tour_source_with_a_key_twice_is_refused 1 'a key comes twice' \
    env TOUR_DATA=twice.txt bash "$root/bench/tour.sh"
fails tour_no_such_stage 2 'no stage 99' env STAGE=99 bash "$root/bench/tour.sh"
fails tour_nothing_built 1 'run "make tour"' env B=nowhere bash "$root/bench/tour.sh"
is tour_that_fails_leaves_nothing_behind "$(ls "$TMPDIR")" ""

# ---- Programs that lie ----
# Each fault is one answer of strata or its writer made wrong; the tour has to stop there.
mkdir -p "$work/fake/bench"
ln -s "$built/bench/strata-bench" "$work/fake/bench/real-bench"
ln -s "$built/bench/tour_writer" "$work/fake/bench/tour_writer"
cat >"$work/fake/strata" <<'FAKE'
#!/bin/bash
case "$FAULT $*" in
"dump dump "*/1) "$REAL" "$@" | sed '100d' ;;
"get get "*U+01F600) echo "FROWNING FACE;So;0;ON;;;;;N;;;;;" ;;
"scan scan "*U+002300) "$REAL" "$@" | sed '$d' ;;
"put get "*U+002205) "$REAL" "$@" | sed 's/nothing/something/' ;;
"del get "*/1" U+00221E") echo "INFINITY;Sm;0;ON;;;;;N;;;;;" ;;
"inspect inspect "*) "$REAL" "$@" | sed 's/^valid: [0-9]* /valid: 24 /' ;;
"lost dump "*killed1) "$REAL" "$@" | sed '1,50d' ;;
"extra dump "*killed1) "$REAL" "$@"; printf 'U+FFFFFF\tnever written\n' ;;
"refused dump "*killed1) echo "strata: dump: corrupt" >&2; exit 3 ;;
"flip get "*flipped*) echo "FOR ALM;Sm;0;ON;;;;;N;;;;;" ;;
*) exec "$REAL" "$@" ;;
esac
FAKE
cat >"$work/fake/bench/strata-bench" <<'FAKE'
#!/bin/bash
"$(dirname "$0")/real-bench" "$@" || exit
[ "$FAULT" = found ] || exit 0
while [ "$1" != --json ]; do shift; done
sed -i 's/"found": [0-9]*/"found": 0/' "$2"
FAKE
chmod +x "$work/fake/strata" "$work/fake/bench/strata-bench"
export REAL=$STRATA
lies() { # FAULT REGEX
    fails "tour_notices_$1" 1 "✗.*$2" env FAULT="$1" B="$work/fake" STAGE=1 bash "$root/bench/tour.sh"
}
run env FAULT=none B="$work/fake" STAGE=1 bash "$root/bench/tour.sh"
is tour_without_a_lie_ends_well "$rc $err" "0 "
lies dump 'ended with status 1'
lies get 'another value for U\+01F600'
lies scan 'in that block'
lies put 'the new value did not come back'
lies del 'a deleted key was found'
lies inspect 'the whole file is valid'
lies lost 'acknowledged writes .* are missing'
lies extra 'not the first'
lies refused 'does not open after the kill'
lies flip 'a flipped bit was not reported'
lies found 'found their key'
is tour_that_notices_leaves_nothing_behind "$(ls "$TMPDIR")" ""

# ---- On a terminal ----
if command -v script >/dev/null; then
    # the last stage, as each takes the same steps
    run env STAGE="$(echo "$stages" | sed -nE '$s/^0*([0-9]+)_.*/\1/p')" script -qec "stty cols 80; bash $root/bench/tour.sh" /dev/null
    is tour_on_a_terminal_ends_with_0 "$rc$([ "$rc" -eq 0 ] || tail -15 <<<"$out")" 0
    like tour_on_a_terminal_has_colours "$out" $'\e''\[1m'
    run env NO_COLOR=1 STAGE=1 script -qec "bash $root/bench/tour.sh" /dev/null
    is tour_no_color_is_respected "$rc $(printf '%s' "$out" | grep -c $'\e''\[[0-9]*m')" "0 0"
else
    for name in ends_with_0 has_colours; do skip "tour_on_a_terminal_$name" "no script(1)"; done
    skip tour_no_color_is_respected "no script(1)"
fi

# ---- As an unprivileged user ----
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null &&
    setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$STRATA" -a -r "$root/bench/tour.sh" 2>/dev/null; then
    chmod 755 "$work" && chmod 777 "$TMPDIR"
    code tour_as_an_unprivileged_user_ends_with_0 0 \
        setpriv --reuid 65534 --regid 65534 --clear-groups env STAGE=3 bash "$root/bench/tour.sh"
else
    skip tour_as_an_unprivileged_user_ends_with_0 "not root, no setpriv, or the build is not readable to others"
fi
done_testing
