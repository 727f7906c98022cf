#!/bin/bash
# Ranges: every combination against what awk says of a sorted list, then the edges.
. "$(dirname "$0")/tap.bash"

keys="00 01 0100 61 6161 6162 61ff 61ffff 62 7f 80 fe feff ff ff00 ffff ffffff"
{ printf '\t%s\n' ee; for k in $keys; do printf '%s\tee\n' "$k"; done; } >in.tsv
strata load db in.tsv --hex 2>/dev/null

# Hexadecimal text of whole bytes sorts as the bytes do.
model() { # FROM TO(- for none) PREFIX REVERSE LIMIT(- for none)
    cut -f1 in.tsv | sort | awk -v from="$1" -v to="$2" -v prefix="$3" \
        '($0 "") >= (from "") && (to == "-" || ($0 "") < (to "")) && index($0 "", prefix "") == 1' |
        if [ "$4" = 1 ]; then tac; else cat; fi | if [ "$5" = - ]; then cat; else head -n "$5"; fi
}
bad= count=0
every=11 # one in so many: the same ones every time (no multiple of what is counted here)
[ "${QUICK:-no}" = no ] || every=43
for from in '' 00 61 61ff 6200 ff ffffffff; do
    for to in - '' 01 6162 62 ff ffffffff; do
        for prefix in '' 00 61 61ff 63 ff ffff; do
            for reverse in 0 1; do
                for limit in - 0 2; do
                    count=$((count + 1)); [ $((count % every)) -eq 0 ] || continue
                    args=(--hex --keys-only --from "$from" --prefix "$prefix")
                    [ "$to" = - ] || args+=(--to "$to")
                    [ $reverse = 1 ] && args+=(--reverse)
                    [ "$limit" = - ] || args+=(--limit "$limit")
                    got=$(strata scan db "${args[@]}") || bad="status: ${args[*]}"
                    [ "$got" = "$(model "$from" "$to" "$prefix" $reverse "$limit")" ] || bad="${args[*]}"
                    [ $reverse$limit = 0- ] || continue
                    args=("${args[@]:2}") # without --hex and --keys-only
                    [ "$(strata dump db --hex "${args[@]}")" = "$(strata scan db --hex "${args[@]}")" ] ||
                        bad="dump: ${args[*]}"
                done
            done
        done
    done
done
is scan_ranges_are_as_the_model "$bad" ""

prints dump_of_a_prefix $'61,ee\n6161,ee\n6162,ee\n61ff,ee\n61ffff,ee' strata dump db --hex --format csv --prefix 61
code dump_of_a_range_into_a_file 0 strata dump db --hex --from 62 --to fe range.tsv
is dump_of_a_range_into_a_file_is_that_range "$(cut -f1 range.tsv | tr '\n' ' ')" '62 7f 80 '
fails dump_of_a_bad_range_is_2 2 'dump: --from: column 3: odd number' strata dump db --hex --from 616 none.tsv
is dump_of_a_bad_range_makes_no_file "$(ls none.tsv* 2>/dev/null)" ""
prints scan_from_is_inclusive $'62\n7f' strata scan db --hex --keys-only --from 62 --to 80
prints scan_to_is_exclusive $'\n00' strata scan db --hex --keys-only --to 01
prints scan_from_between_keys 80 strata scan db --hex --keys-only --from 7f00 --to fe
prints scan_prefix_of_ff_bytes $'ff\nff00\nffff\nffffff' strata scan db --hex --keys-only --prefix ff
prints scan_prefix_of_ff_bytes_backwards $'ffffff\nffff' strata scan db --hex --keys-only --prefix ffff --reverse
prints scan_prefix_ending_in_ff $'61ff\n61ffff' strata scan db --hex --keys-only --prefix 61ff
prints scan_prefix_longer_than_any "" strata scan db --hex --keys-only --prefix ffffffff
prints scan_to_the_empty_key_is_empty "" strata scan db --to ''
prints scan_to_the_empty_key_backwards "" strata scan db --to '' --reverse
prints scan_from_after_to_is_empty "" strata scan db --from b --to a
prints scan_from_after_to_backwards_is_empty "" strata scan db --from b --to a --reverse
prints scan_limit_0_prints_nothing "" strata scan db --limit 0
prints scan_limit_beyond_the_end 18 bash -c 'strata scan db --limit 18446744073709551615 | wc -l'
prints scan_reverse_is_the_reverse "$(strata scan db | tac)" strata scan db --reverse
prints scan_equals_sign 61 strata scan db --hex --keys-only --from=61 --limit=1
prints scan_values $'61\tee' strata scan db --hex --from 61 --limit 1

strata del db 'a\xff'
prints scan_deleted_key_is_gone $'61ffff' strata scan db --hex --keys-only --prefix 61ff
done_testing
