# scratch.bash: where a benchmark works. `scratch NAME` makes $T, a directory in $TMPDIR; it goes when
# the script ends, however that is, and what $running names, a process, is ended before.

running=
clean_up() {
    [ -n "$running" ] && kill "$running" 2>/dev/null && wait "$running"
    rm -rf "$T"
}
scratch() { # NAME
    T=$(mktemp -d "${TMPDIR:-/tmp}/strata-$1.XXXXXX") || exit 1
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}
