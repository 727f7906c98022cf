#!/bin/bash
# Any byte comes through dump and load unchanged, in both forms of text. SEED=N replays.
. "$(dirname "$0")/tap.bash"
seed=${SEED:-$RANDOM$RANDOM}
echo "# SEED=$seed"

# Every byte as a key of its own and inside of one; random bytes of all lengths, long runs of the
# bytes that mean something in text, and of UTF-8 cut anywhere.
awk -v seed="$seed" '
    function random(n) { while (n-- > 0) printf "%02x", int(rand() * 256) }
    function odd(n) { while (n-- > 0) printf "%s", substr("5c090a0d0030787fc3a9e2f0c280", 2 * int(rand() * 14) + 1, 2) }
    BEGIN {
        srand(seed)
        print "\t00"
        for (i = 0; i < 256; i++) printf "%02x\t%02x\n61%02x62\t78%02x%02x79\n", i, i, i, i, 255 - i
        for (i = 0; i < 300; i++) { random(1 + int(rand() * 40)); printf "\t"; random(int(rand() * 300)); print "" }
        for (i = 0; i < 300; i++) { odd(1 + int(rand() * 20)); printf "\t"; odd(int(rand() * 60)); print "" }
        random(65536); printf "\t"; random(200000); print "" # the longest key, a value of many pieces
    }' >in.hex
if awk -F'\t' 'length($1) == 131072 { found = 1 } END { exit !found }' in.hex; then
    pass the_longest_key_is_there
else
    fail the_longest_key_is_there
fi
code load_hex 0 strata load a in.hex --hex
strata dump a --hex >a.hex
strata dump a >a.tsv
# What the database holds, sorted without it; later lines win.
awk -F'\t' '{ last[$1] = $2 } END { for (k in last) print k "\t" last[k] }' in.hex | LC_ALL=C sort -t $'\t' -k1,1 >model.hex
same dump_hex_is_the_input_sorted a.hex model.hex
code load_escaped 0 strata load b a.tsv
strata dump b --hex >b.hex
same dump_load_round_trips b.hex a.hex
strata dump b b.tsv
same dump_twice_is_the_same b.tsv a.tsv
code load_of_a_pipe 0 bash -c 'strata dump a | strata load c -'
strata dump c | cmp -s - a.tsv && pass dump_load_by_a_pipe || fail dump_load_by_a_pipe
tr -d '\n' <a.tsv | LC_ALL=C tr -d '[:print:]\t\200-\377' | cmp -s - /dev/null &&
    pass dump_holds_no_control_character || fail dump_holds_no_control_character
if command -v iconv >/dev/null; then
    iconv -f UTF-8 -t UTF-8 a.tsv >/dev/null 2>&1 && pass dump_is_utf8 || fail dump_is_utf8
else
    skip dump_is_utf8 "no iconv"
fi

# Another decoder of the same escapes: bash's printf.
strata put one --hex 6b "$(for i in $(seq 0 255); do printf %02x "$i"; done)"
for i in $(seq 0 255); do printf "\\$(printf %03o "$i")"; done >wanted
printf %b "$(strata get one k)" >got
same get_escapes_are_those_of_printf got wanted
prints get_utf8_as_it_is 'é€😀' bash -c "strata put one u 'é€😀' && strata get one u"
prints get_invalid_utf8_escaped '\xc3(\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80\xe2\x82' \
    bash -c 'strata put one --hex 75 c328eda080c0aff4908080e282 && strata get one u'
prints get_control_characters_escaped '\x1b[31m\x7f\xc2\x9b\x08' \
    bash -c 'strata put one --hex 75 1b5b33316d7fc29b08 && strata get one u'
prints get_upper_case_digits 'J' bash -c "strata put one u '\\x4A' && strata get one u"

# Lines may be cut anywhere between reads.
for size in 1 3 7; do
    head -n 600 a.tsv | dd obs=$size ibs=65536 2>/dev/null | strata load pieces$size - 2>/dev/null
    head -n 600 a.tsv >wanted
    strata dump pieces$size got$size
    same "load_in_pieces_of_$size" got$size wanted
done
printf 'k\tv\\tw\n' | strata load tabs - 2>/dev/null
prints load_tab_in_the_value_is_an_escape 'v\tw' strata get tabs k
printf '\0raw\t\377\0\n' | strata load raw - 2>/dev/null
prints load_raw_bytes_stand_for_themselves '\x00raw	\xff\x00' strata dump raw
# ---- Times ----
# A record that expires keeps its time in jsonl; the other formats say that they have none.
later=99999999999999
printf '{"key":"a","value":"1","until":%s}\n{"key":"b","value":"2"}\n' $later >timed.jsonl
printf '{"key":"gone","value":"1","until":1}\n' | cat - timed.jsonl >with_gone.jsonl
code load_takes_times 0 strata load timed with_gone.jsonl --stage 13
same dump_has_times_in_jsonl <(strata dump timed --format jsonl) timed.jsonl
for format in tsv csv mdb; do
    run strata dump timed --format $format
    like "dump_as_${format}_says_what_it_leaves_out" "$rc $err" "^0 strata: dump: 1 record that expires: $format has no times, jsonl has\$"
done
run strata dump timed --prefix b
is dump_without_times_says_nothing "$rc $out$err" $'0 b\t2'
fails load_of_times_where_there_are_none 5 '^strata: load: not supported: 09_fast_paths has no values that expire' strata load timeless timed.jsonl --stage 9
done_testing
