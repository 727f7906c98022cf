# tap.bash: what the scripts of tests/cli share. Each runs $STRATA in an empty directory of its
# own, prints TAP, and ends with `done_testing`.
#
#   run CMD...              runs it; $rc, $out and $err are how it ended
#   is NAME GOT WANTED      like NAME GOT REGEX (extended)
#   code NAME RC CMD...     runs it; passes when it ends with RC
#   prints NAME TEXT CMD... runs it; passes when it ends with 0 and prints TEXT (a line end more)
#   fails NAME RC REGEX CMD...  runs it; passes when it ends with RC and says REGEX on stderr
#   wait_until CMD...       runs it again and again until it succeeds; gives up after a minute

STRATA=${STRATA:-$PWD/build/strata}
case $STRATA in /*) ;; *) STRATA=$PWD/$STRATA ;; esac
[ -x "$STRATA" ] || { echo "not ok - there is no program $STRATA"; exit 1; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/d" && ln -s "$STRATA" "$work/bin/strata" && cd "$work/d" || exit 1
PATH=$work/bin:$PATH
export LC_ALL=C TERM=xterm XDG_STATE_HOME=$work/state
unset STRATA_HISTORY
tests=0 failed=0

pass() { tests=$((tests + 1)); echo "ok $tests - $1"; }
skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
fail() {
    tests=$((tests + 1)) failed=$((failed + 1))
    echo "not ok $tests - $1"
    shift
    printf '%s\n' "$@" | sed 's/^/# /'
}
run() {
    "$@" >"$work/out" 2>"$work/err"
    rc=$?
    { out=$(<"$work/out") err=$(<"$work/err"); } 2>/dev/null # which warns of zero bytes, and leaves them out
}
is() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:" "$2" "wanted:" "$3"; fi
}
like() {
    if printf '%s' "$2" | grep -qE -- "$3"; then pass "$1"; else fail "$1" "got:" "$2" "wanted: $3"; fi
}
code() {
    local name=$1 wanted=$2
    shift 2
    run "$@"
    if [ $rc -eq "$wanted" ]; then pass "$name"; else fail "$name" "$*" "ended with $rc, not $wanted" "$err"; fi
}
prints() {
    local name=$1 wanted=$2
    shift 2
    run "$@"
    if [ $rc -eq 0 ] && [ "$out" = "$wanted" ]; then
        pass "$name"
    else
        fail "$name" "$*" "ended with $rc and printed:" "$out" "wanted:" "$wanted" "$err"
    fi
}
fails() {
    local name=$1 wanted=$2 says=$3
    shift 3
    run "$@"
    if [ $rc -eq "$wanted" ] && printf '%s' "$err" | grep -qE -- "$says"; then
        pass "$name"
    else
        fail "$name" "$*" "ended with $rc and said:" "$err" "wanted $wanted and: $says"
    fi
}
same() { # NAME FILE FILE
    if cmp "$2" "$3" >"$work/cmp" 2>&1; then pass "$1"; else fail "$1" "$(cat "$work/cmp")"; fi
}
# What a test waits for it asks for: no sleep is long enough on every machine.
wait_until() {
    local end=$((SECONDS + 60))
    until "$@" >"$work/waited" 2>&1; do
        [ $SECONDS -lt $end ] || { echo "# waited in vain: $*"; return 1; }
        sleep 0.02
    done
}
# Changes one byte of a file: flip FILE OFFSET
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
done_testing() {
    echo "1..$tests"
    exit $((failed > 0))
}
