#!/bin/bash
# ROADMAP's table: a row a stage. What a stage that exists says is counted in its directory,
# stages/NN_name, in the tests, or by the benchmark driver; the others have a question only
# (docs/tools/planned.tsv).
#
#   state         done once its chapter is there; or what planned.tsv says in a fourth column
#   question      the first sentence of engine.c's head comment that ends with a question mark
#   files, lines  of C in the directory, without the inspectors (*inspect*.[ch]), which only annotate dumps
#   minutes       of reading: 20 lines of C a minute, 200 words of the chapter a minute
#   invariants    sentences "6.I1: ..." in the sources
#   fuzz targets  files in fuzz/ whose head comment names a source of the stage
#                 (A stage without an engine, the server, has a .mk file of another name, and its question
#                 is in the head comment of server.c.)
#   bytes read    by one get of a random key among 1,000 of 16 bytes with values of 100, the database
#                 closed and opened again
# A row "Part" is the sum of the stages above it.
# With the argument "short": name, state and what the stage survives, for README.
set -u
state_of() { # NAME
    local said
    said=$(awk -F'\t' -v name="$1" '$1 "_" $2 == name { print $4 }' docs/tools/planned.tsv)
    if [ -f "docs/$1.md" ]; then echo "${said:-done}"; else echo 'no chapter yet'; fi
}
if [ "${1:-}" = short ]; then
    echo '| stage | state | survives |'
    echo '|---|---|---|'
    {
        build/strata stages | awk '/^stage/ { name = $3 } /^  survives/ { sub(/^ *survives */, ""); print name "\t" $0 }'
        awk -F'\t' '{ print $1 "_" $2 "\t" }' docs/tools/planned.tsv
    } | awk -F'\t' '!seen[$1]++' | sort | while IFS=$'\t' read -r name survives; do
        if [ -n "$survives" ]; then
            state=$(state_of "$name")
            [ -f "docs/$name.md" ] && name="[$name](docs/$name.md)"
            echo "| $name | $state | $survives |"
        elif [ -f "docs/$name.md" ]; then
            echo "| [$name](docs/$name.md) | $(state_of "$name") | |"
        else
            echo "| $name | planned | |"
        fi
    done
    exit
fi
measured=$(mktemp)
trap 'rm -f "$measured"' EXIT
build/bench/strata-bench --stage=all --num=1000 --seconds=60 \
    --benchmarks=filluniquerandom,open,readrandom >"$measured" || exit 1

question() { # FILE
    awk '/^\/\*/, /\*\// { sub(/^ ?\/?\*+\/? ?/, ""); text = text " " $0 } /\*\// { exit }
         END { n = split(text, s, /[.:] +/); for (i = 1; i <= n; i++) if (match(s[i], /^[^?]*\?/)) {
               print substr(s[i], 1, RLENGTH); exit } }' "$1" | sed 's/^ *//'
}
gained() { docs/tools/promise_table.sh gained | awk -F'\t' -v name="$1" '$1 == name { print $2 }'; }
per_get() { # NAME
    sed -nE "/^stage [0-9]+, $1:/,/^stage / { /^readrandom /,/B\\/op/ s|.* read ([0-9,]+) B/op.*|\\1|p }" "$measured"
}
fuzz_targets() { # NAME
    for target in fuzz/*.c; do sed -n 1,3p "$target"; done 2>/dev/null | grep -c "stages/$1/"
}

row() { # NAME, which exists
    local dir=stages/$1 chapter=docs/$1.md files lines words=0 label=$1 state promise about
    files=$(find "$dir" -name '*.[ch]' ! -name '*inspect*.[ch]' | wc -l)
    lines=$(find "$dir" -name '*.[ch]' ! -name '*inspect*.[ch]' -exec cat {} + | wc -l)
    if [ -f "$chapter" ]; then
        words=$(awk '/^```/ { code = !code } !code' "$chapter" | wc -w)
        label="[$1]($chapter)"
    fi
    state=$(state_of "$1")
    promise=$(gained "$1")
    about=$dir/engine.c
    [ -f "$about" ] || about=$dir/server.c
    printf '| %s | %s | %s | %d | %d | %d | %s | %d | %d | %s |\n' "$label" \
        "$(question "$about")" "$state" "$files" "$lines" $((lines / 20 + words / 200)) \
        "$promise" "$(grep -rohE --include='*.[ch]' '\b([1-9]\.)?I[0-9]+:' "$dir" | wc -l)" \
        "$(fuzz_targets "$1")" "$(per_get "$1")"
}

echo '| stage | the question it answers | state | files | lines | minutes | promise gained | invariants | fuzz targets | bytes read per get |'
echo '|---|---|---|--:|--:|--:|---|--:|--:|--:|'
{
    cut -f1 docs/tools/planned.tsv
    ls -d stages/*/*.mk | sed -E 's|stages/([0-9]+)_.*|\1|'
} | sort -u | while read -r number; do
    mk=$(ls -d stages/"$number"_*/*.mk 2>/dev/null)
    if [ -n "$mk" ]; then
        row "$(basename "$(dirname "$mk")")"
        [ "$number" = 06 ] && echo part
    else
        awk -F'\t' -v n="$number" '$1 == n { printf "| %s_%s | %s | planned | | | | | | | |\n", $1, $2, $3 }' docs/tools/planned.tsv
    fi
done | awk -F' *[|] *' '
    /^part$/ { printf "| **Part I, stages 1 to 6** | | | %d | %d | %d | | %d | %d | |\n", files, lines, minutes, invariants, targets; next }
    { print; files += $5; lines += $6; minutes += $7; invariants += $9; targets += $10 }'
