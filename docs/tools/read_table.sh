#!/bin/bash
# What a stage reads and writes, counted by the file layer, as the database grows: a Markdown table.
# Keys of 16 bytes in random order, values of 100.
#
#   docs/tools/read_table.sh STAGE
set -u
said=$(mktemp)
trap 'rm -f "$said"' EXIT
# The figure before the words UNIT in what the driver said of WORKLOAD.
figure() { # WORKLOAD UNIT
    sed -nE "/^$1 /,/^[a-z]+ +:/ s|.* ([0-9.,]+) $2.*|\1|p" "$said" | head -1
}
echo '| records | bytes written for each byte put | appends a put | fsyncs a put | bytes read by a get | by a get of a missing key | by an open |'
echo '|--:|--:|--:|--:|--:|--:|--:|'
for n in 100 1000 10000; do
    build/bench/strata-bench --stage="$1" --num=$n --reads=50 --seconds=60 \
        --benchmarks=filluniquerandom,readrandom,readmissing,open >"$said" || exit 1
    printf '| %s | %s | %s | %s | %s | %s | %s |\n' \
        "$(sed -E ':a; s/([0-9])([0-9]{3})(,|$)/\1,\2\3/; ta' <<<$n)" \
        "$(figure filluniquerandom 'B per byte given')" "$(figure filluniquerandom 'appends/op')" \
        "$(figure filluniquerandom fsyncs/op)" "$(figure readrandom B/op)" \
        "$(figure readmissing B/op)" "$(figure open B/op)"
done
