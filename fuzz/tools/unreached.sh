#!/bin/bash
# What the committed inputs alone (seeds, corpus, regressions) reach of the sources that each target is
# to cover, and which branches they do not reach. Kept in docs/fuzz/unreached.tsv, tab-separated:
#
#   coverage   TARGET   BRANCHES   REACHED   LINES in %
#   unreached  TARGET   SOURCE   CONDITION   never WHAT   WHY
#
# WHY is written by hand and kept for a branch that is still not reached.
#
#   fuzz/tools/unreached.sh [TARGET]       (make fuzz-unreached)
#
# Exit code 1 when a reason is missing, or a target reaches less than 90 % of its branches.
set -u
reached=build/reached/fuzz/replay table=docs/fuzz/unreached.tsv
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cov=$(command -v llvm-cov || echo llvm-cov-14) profdata=$(command -v llvm-profdata || echo llvm-profdata-14)

# The conditions whose one side, or both, nothing took.
branches() { # TARGET
    awk -v target="$1" '
        /^[^ |].*:$/ { source = $0; sub(/:$/, "", source); sub(/^.*\/(common|stages)\//, "&", source); match(source, /(common|stages)\/[^:]*$/); source = substr(source, RSTART) }
        match($0, /^ *[0-9]+\|/) { number = $0 + 0; line = $0; sub(/^ *[0-9]+\|[^|]*\|/, "", line); lines[number] = line }
        match($0, /Branch \([0-9]+:[0-9]+\): \[True: [^,]*, False: [^\]]*\]/) {
            split(substr($0, RSTART), part, /[(:)\[, \]]+/)      # Branch line column True n False n
            never = (part[5] == "0" ? "true" : "") (part[7] == "0" ? (part[5] == "0" ? " nor " : "") "false" : "")
            if (never == "") next
            condition = substr(lines[part[2]], part[3])
            if (match(condition, / &&( |$)| \|\|( |$)| \? | : |;|\) \{|\)$/)) condition = substr(condition, 1, RSTART - 1)
            print "unreached\t" target "\t" source "\t" condition "\tnever " never
        }'
}

measure() { # TARGET SOURCE...
    local name=$1 files file
    shift
    mapfile -t files < <(find "fuzz/seeds/$name" "fuzz/corpus/$name" "fuzz/regress/$name" -type f 2>/dev/null)
    printf '%s\0' "${files[@]}" | LLVM_PROFILE_FILE=$work/%p.raw xargs -0 "$reached/$name" >/dev/null || exit 1
    "$profdata" merge -o "$work/profile" "$work"/*.raw && rm -f "$work"/*.raw
    "$cov" report "$reached/$name" -instr-profile="$work/profile" -show-branch-summary "$@" |
        awk -v target="$name" '/^TOTAL/ { print "coverage\t" target "\t" $(NF - 2) "\t" $(NF - 2) - $(NF - 1) "\t" $(NF - 3) + 0 }'
    for file in "$@"; do
        { echo "$file:"; "$cov" show "$reached/$name" -instr-profile="$work/profile" -show-branches=count "$file"; } | branches "$name"
    done | awk '!seen[$0]++'
}

touch "$table"
while read -r name _ _ sources; do
    case $name:$sources in :* | \#* | *%*) continue ;; esac
    if [ -n "${1:-}" ] && [ "$1" != "$name" ]; then
        awk -F'\t' -v t="$name" '$2 == t' "$table"
        continue
    fi
    # shellcheck disable=SC2086 # several sources
    measure "$name" $sources | awk -F'\t' -v OFS='\t' '
        old { if ($1 == "unreached") why[$2, $3, $4, $5] = $6; next }
        $1 == "unreached" { $6 = why[$2, $3, $4, $5] }
        { print }' old=1 "$table" old=0 -
done <fuzz/targets.txt >"$work/new" || exit 1
cp "$work/new" "$table"
awk -F'\t' '
    $1 == "coverage" { printf "coverage: target=%s branch=%.1f%% line=%.1f%%\n", $2, 100 * $4 / $3, $5; if ($4 < 0.9 * $3) bad = 1 }
    $1 == "unreached" && $6 == "" { printf "no reason: target=%s %s: %s: %s\n", $2, $3, $4, $5; bad = 1 }
    END { exit bad }' "$table"
