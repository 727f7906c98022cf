#!/bin/bash
# The field tables of docs/formats are right: offset, size and name of every field, held against
# the annotated dump of a real file.
root=$PWD
B=${B:-build}
case $B in /*) ;; *) B=$root/$B ;; esac
STRATA=$B/strata
. tests/cli/tap.bash

# The rows "| offset | bytes | name |" with a number as offset under a heading of a page.
rows() { # PAGE HEADING
    awk -F' *[|] *' -v heading="$2" '
        /^#/ { inside = index($0, heading) > 0 }
        inside && $2 ~ /^[0-9]/ { print $2, $3, $4 }' "$root/docs/formats/$1"
}
# The same from a dump: offsets relative to the section's, sizes from the next field's offset.
fields() { # FILE SECTION
    strata inspect "$1" 2>/dev/null | awk -v section="$2" '
        function flush(end) { if (name != "") print offset - base, end - offset, name }
        / @[0-9]+$/ { if (inside) { flush($NF ~ /@/ ? substr($NF, 2) : 0); inside = 0; name = "" }
            if (index($0, section) && !done) { inside = 1; done = 1; base = substr($NF, 2) }; next }
        /^valid:/ { if (inside) flush($2); exit }
        inside && match($0, /^ +[0-9]+  ([0-9a-f][0-9a-f] )+ *[a-z_]+ /) {
            at = $1; word = substr($0, 38); sub(/ .*/, "", word)
            if (word !~ /^[a-z_]+$/) next
            flush(at); offset = at; name = word
        }'
}

strata put --stage 1 db fruit apple
is marker_table_fits_the_file "$(rows marker.md 'marker')" "$(fields db/STRATA marker)"
is file_header_table_fits_the_file "$(rows 01_append_log.md "file's header")" "$(fields db/000001.log 'file header')"
is current_table_fits_the_file "$(rows 06_leveled_compaction.md CURRENT)" \
    "$(fields "$root/tests/golden/06/CURRENT" 'which manifest counts')"
# key of 5 bytes, value of 5
is record_table_fits_the_file \
    "$(rows 01_append_log.md 'A record' | sed 's/^17 + klen vlen/22 5/; s/ klen key/ 5 key/')" \
    "$(fields db/000001.log 'record 1')"
done_testing
