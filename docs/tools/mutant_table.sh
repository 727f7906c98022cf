#!/bin/bash
# The known bugs in tests/mutants/DIR, from the headers of the patches: a table for the book.
#
#   docs/tools/mutant_table.sh DIR
echo '| patch | the bug | who had it |'
echo '|---|---|---|'
for patch in tests/mutants/"$1"/*.patch; do
    awk -v name="$(basename "$patch" .patch)" '
        /^--- / { exit }
        /^[A-Z][a-z]*:/ { field = $1; sub(/^[^:]*: */, ""); text[field] = $0; next }
        /^  / { sub(/^ +/, ""); text[field] = text[field] " " $0 }
        END { printf "| %s | %s | %s |\n", name, text["Bug:"], text["Real:"] }' "$patch"
done
