#!/bin/bash
# What a stage that a learner writes is graded by, for the teaching notes: sittings and promises, each with the known
# bugs (tests/mutants) that its tests find. A bug that is in a learner's engine costs the row that it is in.
#
#   docs/tools/rubric.sh N      the rows of stage N: a table
#   docs/tools/rubric.sh        all stages whose sittings have their tests recorded, counted
#
# A bug whose test `make check` does not run is in the row "seen by neither".
set -u
promises=tests/tools/promises.tsv

# "ROW name" of each mutant of a stage; ROW is "sitting K", "promise I" or "neither".
rows() { # STAGE NAME
    for patch in tests/mutants/"$2"/*.patch; do
        printf '%s\t' "$(basename "$patch" .patch)"
        awk '/^--- / { exit } $1 == "Test:" { on = 1; text = $0; next } on && /^  +[^ ]/ { text = text $0; next } { on = 0 }
            END { gsub(/ +/, " ", text); print text }' "$patch"
    done | awk -F'\t' -v stage="$1" -v table="docs/workshop/$2.tests" -v promises="$promises" '
        BEGIN {
            while ((getline line < table) > 0) { split(line, f, "\t"); sitting[f[2] " " f[3]] = f[1] }
            while ((getline line < promises) > 0) if (line !~ /^(#|$)/) { split(line, f, "\t"); pattern[++n] = f[1] }
        }
        {
            split($2, t, " ") # Test: stage N PROGRAM TEST
            row = "neither"
            if (t[2] == "stage" && t[3] == stage && t[4] ~ /^(contract|crash)\// && t[4] !~ /(golden|explorer|oracle|mark)_test$/) {
                suite = t[4]
                gsub(/^[a-z]+\/|_test$/, "", suite)
                for (i = 1; i <= n && suite " " t[5] !~ pattern[i]; i++) ;
                if (i <= n) row = "promise " i
            } else if (t[2] == "stage" && t[3] == stage && (t[4] " " t[5]) in sitting)
                row = "sitting " sitting[t[4] " " t[5]]
            print row "\t" $1
        }'
}

sittings() { awk -F'\t' '$1 == "sitting" { print "sitting " $2 "\t" $3 }' "docs/workshop/$1.tsv"; }
if [ $# -eq 0 ]; then
    echo '| stage | sittings | bodies to write | tests of the sittings | known bugs | found by a sitting | by a promise |'
    echo '|---|--:|--:|--:|--:|--:|--:|'
    for table in docs/workshop/*.tsv; do
        name=$(basename "$table" .tsv)
        [ -e "docs/workshop/$name.tests" ] || continue # make workshop-record
        rows "$((10#${name%%_*}))" "$name" | awk -v name="$name" -v sittings="$(sittings "$name" | wc -l)" \
            -v bodies="$(grep -c '^[0-9]' "$table")" -v tests="$(grep -c '^[0-9]' "docs/workshop/$name.tests" 2>/dev/null)" '
            { count[$1]++ }
            END { printf "| [%s](%s.md) | %d | %d | %d | %d | %d | %d |\n", name, name, sittings, bodies, tests, NR, count["sitting"], count["promise"] }'
    done
    exit
fi
name=$(basename "$(ls -d stages/"$(printf %02d "$1")"_*)")
echo '| row | what is graded | known bugs that it finds |'
echo '|---|---|---|'
{ sittings "$name"; awk -F'\t' '!/^(#|$)/ { print "promise " ++n "\t" $2 }' $promises; printf 'neither\tseen by neither\n'; } |
    awk -F'\t' 'NR == FNR { bugs[$1] = bugs[$1] (bugs[$1] ? ", " : "") $2; next }
        $1 ~ /^sitting/ || bugs[$1] { printf "| %s | %s | %s |\n", $1 == "neither" ? "" : $1, $2, bugs[$1] }' <(rows "$1" "$name") -
