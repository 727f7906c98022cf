#!/bin/bash
# Cuts a log of three records at every byte, opens what is left, and prints a table of the states.
set -u
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
build/strata put --stage 1 "$dir/db" apple red
build/strata put "$dir/db" plum blue
build/strata del "$dir/db" apple
log=$dir/db/000001.log
cp "$log" "$dir/whole"
size=$(stat -c %s "$log")

for ((bytes = 0; bytes <= size; bytes++)); do
    head -c $bytes "$dir/whole" >"$log"
    shown=$(build/strata scan "$dir/db" 2>"$dir/said" | tr '\t\n' '= ')
    said=$(sed -E 's/^.*(000001\.log|@[0-9]+): //; s/ of [0-9]+ bytes$//' "$dir/said")
    printf '%s\t%s\t%s\n' $bytes "${said:-opened, every record whole}" "${shown% }"
done | awk -F'\t' '
    function row() { if (NR > 1) printf "| %s | %s | %s |\n", from == to ? from : from " to " to, said, code }
    BEGIN { print "| bytes left | the open says | scan shows |"; print "|---|---|---|" }
    $2 != said || $3 != shown { row(); from = $1; said = $2; shown = $3
        code = said ~ /^the file ends/ ? "exit status 3" : shown == "" ? "nothing" : "`" shown "`" }
    { to = $1 }
    END { NR++; row() }'
