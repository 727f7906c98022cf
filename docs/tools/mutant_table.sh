#!/bin/bash
# The known bugs in tests/mutants/DIR, from the headers of the patches: a table for the book.
#
#   docs/tools/mutant_table.sh DIR         who had them
#   docs/tools/mutant_table.sh DIR tests   which test finds them
last='who had it' field=Real
[ "${2:-}" = tests ] && last='who notices' field=Test
echo "| patch | the bug | $last |"
echo '|---|---|---|'
for patch in tests/mutants/"$1"/*.patch; do
    awk -v name="$(basename "$patch" .patch)" -v last="$field:" '
        /^--- / { exit }
        /^[A-Z][a-z]*:/ { field = $1; sub(/^[^:]*: */, ""); text[field] = $0; next }
        /^  / { sub(/^ +/, ""); text[field] = text[field] " " $0 }
        END {
            if (last == "Test:") { sub(/.* /, "", text[last]); text[last] = "`" text[last] "`" }
            printf "| %s | %s | %s |\n", name, text["Bug:"], text[last]
        }' "$patch"
done
