#!/bin/bash
# load and dump as TSV, CSV, JSON lines and the text of mdb_dump: any byte comes through each of
# them, other programs read what dump writes and write what load reads, and a fault is named by its
# place. SEED=N replays.
. "$(dirname "$0")/tap.bash"
seed=${SEED:-$RANDOM$RANDOM}
echo "# SEED=$seed"

# ---- Any byte ----
awk -v seed="$seed" '
    function random(n) { while (n-- > 0) printf "%02x", int(rand() * 256) }
    function odd(n) { while (n-- > 0) printf "%s", substr("5c090a0d2c2278303a7b7d20c3a9e2efbbbf", 2 * int(rand() * 18) + 1, 2) }
    BEGIN {
        srand(seed)
        print "\t00\n5c78\t5c7834\nefbbbf61\tefbbbf"
        for (i = 0; i < 256; i++) printf "%02x\t%02x\n61%02x62\t78%02x%02x79\n", i, i, i, i, 255 - i
        for (i = 0; i < 300; i++) { random(1 + int(rand() * 40)); printf "\t"; random(int(rand() * 300)); print "" }
        for (i = 0; i < 600; i++) { odd(1 + int(rand() * 9)); printf "\t"; odd(int(rand() * 60)); print "" }
        random(65536); printf "\t"; random(200000); print "" # the longest key, a value of many pieces
    }' >in.hex
strata load db in.hex --hex 2>/dev/null
strata dump db --hex >db.hex
for format in tsv csv jsonl mdb; do
    code "dump_$format" 0 strata dump db "all.$format"
    code "load_${format}_by_its_name" 0 strata load "copy_$format" "all.$format"
    strata dump "copy_$format" --hex >copy.hex
    same "${format}_round_trips_any_byte" copy.hex db.hex
    strata dump "copy_$format" --format $format >again
    same "${format}_dump_twice_is_the_same" again "all.$format"
    if [ $format != mdb ]; then
        strata dump db --hex --format $format >"hex.$format"
        strata load "hex_$format" "hex.$format" --hex 2>/dev/null
        strata dump "hex_$format" --hex >copy.hex
        same "${format}_in_hexadecimal_round_trips" copy.hex db.hex
    fi
    for size in 1 7; do
        dd "if=all.$format" obs=$size ibs=4096 count=8 2>/dev/null >head
        strata load "piece_$format$size" - --format $format <head 2>/dev/null
        dd if=head obs=$size 2>/dev/null | strata load "pieces_$format$size" - --format $format 2>/dev/null
        same "${format}_in_pieces_of_$size" <(strata dump "pieces_$format$size") <(strata dump "piece_$format$size")
    done
    # a tab and a line end structure TSV, quotes may hold line ends in CSV
    others=$(tr -d '\t\n\r' <"all.$format" | LC_ALL=C tr -d '[:print:]\200-\377' | wc -c)
    is "${format}_holds_no_control_character" "$others" 0
    if command -v iconv >/dev/null; then
        code "${format}_is_utf8" 0 iconv -f UTF-8 -t UTF-8 "all.$format"
    else
        skip "${format}_is_utf8" "no iconv"
    fi
done

# ---- Other programs: Python ----
# Read and write as they do by default: bytes are as documented, text as it is.
cat >tool.py <<'END'
import base64, csv, json, sys
def from_csv(field):
    return bytes.fromhex(field[2:]) if field.startswith('\\x') else field.encode()
def from_json(entry, name):
    return base64.b64decode(entry[name + '_b64']) if name + '_b64' in entry else entry[name].encode()
def text(data):
    try: return data.decode()
    except UnicodeDecodeError: return None
def show(pairs):
    for key, value in pairs: print(key.hex() + '\t' + value.hex())
def entries(name):
    for line in open(name): yield [bytes.fromhex(field) for field in line.rstrip('\n').split('\t')]
do, name = sys.argv[1:]
csv.field_size_limit(1 << 30)
out = open(sys.stdout.fileno(), 'w', encoding='utf-8', newline='')
if do == 'read.csv':
    show([from_csv(f) for f in row] for row in csv.reader(open(name, newline='', encoding='utf-8'), strict=True))
elif do == 'read.jsonl':
    show((from_json(e, 'key'), from_json(e, 'value')) for e in map(json.loads, open(name, encoding='utf-8', newline='\n')))
elif do == 'write.csv':
    write = csv.writer(out)
    for pair in entries(name):
        texts = [text(data) for data in pair]
        write.writerow([t if t is not None and not t.startswith('\\x') else '\\x' + d.hex() for t, d in zip(texts, pair)])
elif do == 'write.jsonl':
    for number, pair in enumerate(entries(name)):
        entry = {}
        for field, data in zip(('key', 'value'), pair):
            if text(data) is None: entry[field + '_b64'] = base64.b64encode(data).decode()
            else: entry[field] = text(data)
        out.write(json.dumps(entry, ensure_ascii=number % 2 == 0, sort_keys=number % 3 == 0) + '\n')
END
if command -v python3 >/dev/null && python3 -c 'import csv, json' 2>/dev/null; then
    for format in csv jsonl; do
        python3 tool.py read.$format "all.$format" >python.hex
        same "python_reads_$format" python.hex db.hex
        python3 tool.py write.$format db.hex >"python.$format"
        code "python_writes_${format}_and_load_takes_it" 0 strata load "python_$format" "python.$format"
        strata dump "python_$format" --hex >copy.hex
        same "python_writes_$format" copy.hex db.hex
    done
    printf 'key,value\r\n"a","1, 2"\r\n' >head.csv
    prints python_reads_the_header "{'key': 'a', 'value': '1, 2'}" python3 -c \
        'import csv; [print(row) for row in csv.DictReader(open("head.csv", newline=""))]'
else
    skip python "no python3"
fi

# ---- jq ----
if command -v jq >/dev/null; then
    code jq_takes_every_line 0 jq -c . all.jsonl
    jq -c . all.jsonl >jq.jsonl # its own way to write the same strings
    strata load jq jq.jsonl 2>/dev/null
    strata dump jq --hex >copy.hex
    same jq_writes_jsonl copy.hex db.hex
    strata put texts fruit 'é€😀 "\t\\"'
    prints jq_reads_a_key_and_a_value $'fruit é€😀 "\t\\"' bash -c \
        "strata dump texts --format jsonl | jq -r '.key + \" \" + .value'"
    prints jq_reads_base64 'a' bash -c \
        "strata put bytes a 'a\\xff' && strata dump bytes --format jsonl | jq -r '.value_b64 | .[0:2] + \"==\" | @base64d'"
    prints jq_makes_entries $'1\tone' bash -c \
        "echo '[[\"1\",\"one\"]]' | jq -c '.[] | {key: .[0], value: .[1]}' | strata load made - --format jsonl 2>/dev/null && strata dump made"
else
    skip jq "no jq"
fi

# ---- SQLite ----
if command -v sqlite3 >/dev/null; then
    strata put lite 'a,b' 'line one\nline "two"'
    strata put lite 'é' ' x '
    strata dump lite lite.csv --header
    prints sqlite_reads_csv $'a,b|line one\nline "two"\né| x ' sqlite3 :memory: '.import --csv lite.csv t' \
        'SELECT key, value FROM t ORDER BY key;'
    sqlite3 -csv -header :memory: '.import --csv lite.csv t' 'SELECT * FROM t;' >from_lite.csv
    strata load lite2 from_lite.csv --header 2>/dev/null
    same sqlite_writes_csv <(strata dump lite2) <(strata dump lite)
    prints sqlite_reads_bytes 'ff00' bash -c "strata put bin k '\\xff\\x00' && strata dump bin bin.csv --header && sqlite3 :memory: '.import --csv bin.csv t' \"SELECT substr(value, 3) FROM t;\""
else
    skip sqlite "no sqlite3"
fi

# ---- LMDB and Berkeley DB ----
# What LMDB can hold: no empty key, none of more than 511 bytes; and more than its 1 MiB of address
# space where a dump names no mapsize.
awk -F'\t' 'length($1) > 0 && length($1) <= 1022' db.hex >lmdb.hex
strata datagen -n 2000 --value-size 1000 --hex >>lmdb.hex
strata load some lmdb.hex --hex 2>/dev/null
strata dump some --hex >some.hex
strata dump some some.mdb
for bytes in bytevalue print; do
    option=
    cp some.hex lmdb.hex
    if [ $bytes = print ]; then # LMDB before 0.9.25 prints a backslash as it is: see common/text/mdb.h
        option=-p
        grep -v 5c some.hex >lmdb.hex
    fi
    if command -v mdb_load >/dev/null && command -v mdb_dump >/dev/null; then
        mkdir "env_$bytes"
        strata load "for_$bytes" lmdb.hex --hex 2>/dev/null
        strata dump "for_$bytes" "for_$bytes.mdb"
        code "mdb_load_takes_dump_$bytes" 0 mdb_load -f "for_$bytes.mdb" "env_$bytes"
        is "mdb_load_takes_dump_without_a_word_$bytes" "$err" ''
        mdb_dump $option "env_$bytes" >"lmdb_$bytes.mdb"
        is "mdb_dump_says_$bytes" "$(sed -n 's/^format=//p' "lmdb_$bytes.mdb")" $bytes
        code "load_takes_mdb_dump_$bytes" 0 strata load "lmdb_$bytes" "lmdb_$bytes.mdb"
        strata dump "lmdb_$bytes" --hex >copy.hex
        same "lmdb_round_trip_$bytes" copy.hex lmdb.hex
    else
        skip "lmdb_round_trip_$bytes" "there are no mdb_load and mdb_dump (lmdb-utils)"
    fi
    if command -v db_load >/dev/null && command -v db_dump >/dev/null; then
        sed /^mapsize=/d all.mdb | db_load "$bytes.db"
        is "db_load_takes_dump_but_for_mapsize_$bytes" $? 0
        db_dump $option "$bytes.db" >"berkeley_$bytes.mdb"
        code "load_takes_db_dump_$bytes" 0 strata load "berkeley_$bytes" "berkeley_$bytes.mdb"
        strata dump "berkeley_$bytes" --hex >copy.hex
        same "berkeley_db_round_trip_$bytes" copy.hex db.hex
    else
        skip "berkeley_db_round_trip_$bytes" "there are no db_load and db_dump (db-util)"
    fi
done
if command -v db_load >/dev/null && command -v db_dump >/dev/null; then
    printf 'b\n1\na\n2\n' | db_load -T -t hash hash.db
    prints load_takes_a_hash_of_berkeley_db $'a\t2\nb\t1' bash -c \
        'db_dump -p hash.db | strata load hashed - --format mdb 2>/dev/null && strata scan hashed'
    printf 'one\ntwo\n' | db_load -T -t recno recno.db
    db_dump recno.db >recno.mdb
    fails load_refuses_a_recno_of_berkeley_db 2 '^strata: load: recno.mdb:3:6: btree and hash are read' \
        strata load recno recno.mdb
    printf 'a\n1\na\n2\n' | db_load -T -t btree -c duplicates=1 dups.db
    db_dump dups.db >dups.mdb
    fails load_refuses_keys_with_several_values 2 '^strata: load: dups.mdb:[0-9]*:12: keys with several values' \
        strata load dups dups.mdb
else
    skip load_refuses_what_it_would_lose "there are no db_load and db_dump (db-util)"
fi

# ---- The format ----
printf 'a,1\n' >a.csv
printf 'a,1\n' >a.txt
printf '{"key":"a","value":"1"}\n' >a.ndjson
prints format_by_suffix $'a\t1' bash -c 'strata load f1 a.csv 2>/dev/null && strata dump f1'
prints format_ndjson $'a\t1' bash -c 'strata load f2 a.ndjson 2>/dev/null && strata dump f2'
prints format_option_wins $'a\t1' bash -c 'strata load f3 a.txt --format csv 2>/dev/null && strata dump f3'
fails format_unknown_suffix_is_tsv 2 'a.txt:1:4: the line ends without a tab' strata load f4 a.txt
fails format_unknown_is_2 2 '^strata: dump: --format: "xml" is none of tsv, csv, jsonl, mdb' strata dump f1 --format xml
fails header_without_csv_is_2 2 '^strata: dump: --header: only csv has one, and this is tsv' strata dump f1 --header
fails hex_with_mdb_is_2 2 '^strata: dump: --hex: mdb is hexadecimal' strata dump f1 --hex --format mdb
fails header_needs_no_database_to_be_wrong 2 '^strata: load: --header' strata load f9 a.ndjson --header
is wrong_options_make_no_database "$(ls -d f9 2>&1 | grep -c 'No such')" 1
printf 'VERSION=3\nHEADER=END\n 61\n 31\nDATA=END\n' >a.mdb
prints format_mdb_by_suffix $'a\t1' bash -c 'strata load f5 a.mdb 2>/dev/null && strata dump f5'
prints datagen_writes_mdb $'VERSION=3\nformat=bytevalue\ntype=btree\nmapsize=274877906944\nHEADER=END\n 30\n \nDATA=END' \
    strata datagen -n 1 --key-size 1 --value-size 0 --format mdb
prints header_is_written $'key,value\na,1' strata dump f1 --format csv --header
printf 'key,value\nkey,value\nx,y\n' >h.csv
prints header_is_passed_over_once $'key\tvalue\nx\ty' bash -c 'strata load h h.csv --header 2>/dev/null && strata dump h'
prints header_of_other_order $'x\ty' bash -c 'printf "value,key\ny,x\n" | strata load h2 - --format csv --header 2>/dev/null && strata dump h2'
printf 'id,age,"full name"\n7,30,Ada\n8,,"Bo, ""B"""\n' >people.csv
fails header_not_understood_names_the_columns 2 '^strata: load: its columns are id, age, full name; choose' strata load p people.csv --header
like header_not_understood_is_told_where "$err" '^strata: load: people.csv:1:1: the header lacks the column'
fails header_of_more_columns_is_2 2 'extra.csv:1:1: the header has more columns' bash -c 'printf "key,value,ttl\na,1,9\n" >extra.csv; strata load p extra.csv --header'
like header_of_more_columns_names_them "$err" 'its columns are key, value, ttl;'
is header_refused_loads_nothing "$(strata count p)" 0
code header_columns_by_name 0 strata load people people.csv --key id --value 'full name'
prints header_columns_are_those $'7\tAda\n8\tBo, "B"' strata dump people
prints header_one_column_by_name $'1\ta' bash -c 'printf "value,n,m\na,1,2\n" | strata load one - --format csv --key n 2>/dev/null && strata dump one'
fails header_no_such_column_is_2 2 'its columns are id, age, full name;' strata load q people.csv --key ID --value age
fails header_line_of_other_length_is_2 2 'short.csv:3:4: not as many fields as the header' bash -c 'printf "key,n,value\na,1,x\nb,2\n" >short.csv; strata load short short.csv --key key'
fails header_columns_of_tsv_are_none 2 'load: --key: only csv has columns with names, and this is tsv' strata load q people.tsv --key id
fails header_one_column_for_both_is_2 2 'cannot both be the column "id"' strata load q people.csv --key id --value id
prints header_hex_digits_come_below_it $'a\t1' bash -c 'printf "key,value\n61,31\n" | strata load hh - --format csv --hex --header 2>/dev/null && strata dump hh'
for format in tsv jsonl; do
    strata dump people "mark.$format" && sed -i $'1s/^/\xef\xbb\xbf/' "mark.$format"
    strata load "mark_$format" "mark.$format" 2>/dev/null
    same "${format}_byte_order_mark_is_dropped" <(strata dump "mark_$format") <(strata dump people)
done
strata put marked '\xef\xbb\xbfa' 1
strata dump marked marked.tsv && strata load marked2 marked.tsv 2>/dev/null
same tsv_key_like_a_byte_order_mark_comes_back <(strata dump marked2 --hex) <(printf 'efbbbf61\t31\n')

printf '\xef\xbb\xbf"Name",42\r\n' >excel.csv
prints csv_of_a_spreadsheet $'Name\t42' bash -c 'strata load excel excel.csv 2>/dev/null && strata dump excel'

# ---- Faults ----
bad() { # NAME FILE LINE:COLUMN REASON ; the bytes come on stdin
    cat >"$2"
    fails "load_$1" 2 "^strata: load: $2:$3: $4" strata load "bad_$1" "$2"
}
bad csv_one_field c1.csv 2:2 'the line ends without a comma' < <(printf 'a,1\nb\n')
like load_csv_says_how_many_stay "$err" 'records loaded before, which stay: 1$'
prints load_csv_keeps_what_was_before $'a\t1' strata dump bad_csv_one_field
bad csv_three_fields c2.csv 1:4 'a third field' < <(printf 'a,1,2\n')
bad csv_open_quote c3.csv 2:3 'this quote is never closed' < <(printf 'a,1\nb,"2\n3\n')
bad csv_hexadecimal c4.csv 1:6 'after .x a field has hex' < <(printf 'a,\\xample\n')
bad jsonl_no_object j1.jsonl 1:1 'not a JSON object' < <(printf '"a"\n')
bad jsonl_number j2.jsonl 2:20 'not a string' < <(printf '{"key":"a","value":"1"}\n{"key":"a","value":1}\n')
bad jsonl_other_member j3.jsonl 1:24 'the members are' < <(printf '{"key":"a","value":"b","time":1}\n')
bad jsonl_cut j4.jsonl 1:15 'the line ends inside of the object' < <(printf '{"key":"a","va')
bad mdb_cut m1.mdb 6:1 'the input ends before DATA=END' < <(head -n 5 some.mdb)
bad mdb_cut_in_a_line m2.mdb 8:4 'the input ends before DATA=END' < <(printf 'VERSION=3\nformat=print\nmapsize=1\nHEADER=END\n a\n 1\n b\n 22')
prints load_mdb_keeps_what_was_before $'a\t1' strata dump bad_mdb_cut_in_a_line
bad mdb_of_bytes m3.mdb 1:1 'not the first line of mdb_dump' < <(head -c 100 /dev/zero)
bad mdb_two_databases m4.mdb 6:1 'something after DATA=END' < <(cat a.mdb a.mdb)
{ printf '{"key":"'; head -c 65537 /dev/zero | tr '\0' k; } >long.jsonl
fails load_jsonl_long_key 2 'long.jsonl:1:65545: the key is longer than 65536 bytes' strata load long long.jsonl

# ---- --skip-bad ----
printf 'a\t1\nbad\nb\t2\nc\t3\t4\nd\t5' >skip.tsv
run strata load skip skip.tsv --skip-bad
is skip_ends_with_0 "$rc" 0
like skip_names_the_first "$(head -1 <<<"$err")" '^strata: load: skip.tsv:2:4: the line ends without a tab'
like skip_names_the_others "$(sed -n 2p <<<"$err")" '^strata: load: skip.tsv:4:4: a second tab'
is skip_counts "$(sed -n 3p <<<"$err")" 'strata: load: malformed records skipped: 2'
like skip_sums_up "$(sed -n 4p <<<"$err")" '^loaded 3 records,'
prints skip_loads_the_rest $'a\t1\nb\t2\nd\t5' strata dump skip
awk 'BEGIN { for (i = 0; i < 30000; i++) print i % 3 ? i "\tv" : "bad " i }' >many_bad.tsv
run strata load many_bad many_bad.tsv --skip-bad
is skip_many_names_five "$rc $(grep -c many_bad.tsv: <<<"$err")" "0 5"
like skip_many_counts_all "$err" 'malformed records skipped: 10000, of which the first five are named above'
is skip_many_loads_the_rest "$(strata count many_bad)" 20000
printf 'key,value\na,1\nb,2,3\nc,"x"y\n"d\n","4"\n' >skip.csv
run strata load skip_csv skip.csv --header --skip-bad
prints skip_csv_loads_the_rest $'a\t1\nd\\n\t4' strata dump skip_csv
printf '{"key":"a","value":"1"}\n{"key":"b"\n{}\n{"key":"c","value":"2"}\n' >skip.jsonl
code skip_jsonl 0 strata load skip_jsonl skip.jsonl --skip-bad
prints skip_jsonl_loads_the_rest $'a\t1\nc\t2' strata dump skip_jsonl
fails skip_cannot_skip_an_open_quote 2 'open.csv:2:3: this quote is never closed' bash -c 'printf "a,1\nb,\"2\nc,3\n" >open.csv; strata load open open.csv --skip-bad'
fails skip_cannot_skip_a_header 2 'its columns are' strata load skip_h people.csv --header --skip-bad
fails skip_of_mdb_is_2 2 'load: --skip-bad: mdb has no line end' strata load skip_m a.mdb --skip-bad

# ---- An input that was read already ----
printf 'a\t1\n' >read.tsv
run bash -c 'exec <read.tsv; cat >/dev/null; strata --stage 1 load nothing -'
like load_from_the_end_of_a_file_is_of_nothing "$rc $err" '^0 loaded 0 records'

# ---- Batches ----
seq 2500 | sed 's/.*/k&\tv/' >many.tsv
fails batch_0_is_2 2 '^strata: load: --batch: "0" is no whole number of 1 to 1000000' strata load b many.tsv --batch 0
code batch_1_is_for_every_stage 0 strata --stage 1 load b1 many.tsv --batch 1
fails batch_where_there_is_none_is_5 5 '^strata: load: not supported: 01_append_log has no atomic batch' \
    strata --stage 1 load b2 many.tsv --batch 2
is batch_refused_makes_no_database "$(ls -d b2 2>&1 | grep -c 'No such')" 1
fails batch_refused_by_the_stage_that_is_there 5 '01_append_log has no atomic batch' strata load b1 many.tsv --batch 2
batched=$(strata stages | awk '/^stage/ { stage = $2 } $1 == "batch" { print stage; exit }')
if [ -n "$batched" ]; then
    for batch in 1 7 1000 1000000; do
        code "batch_of_$batch" 0 strata --stage "$batched" load "n$batch" many.tsv --batch $batch
        is "batch_of_${batch}_stores_all" "$(strata scan "n$batch" | sort -V)" "$(cat many.tsv)"
    done
    printf 'oops\n' >>many.tsv
    fails batch_cut_short_by_a_fault 2 'which stay: 2500' strata --stage "$batched" load n many.tsv
    is batch_cut_short_keeps_what_was_told "$(strata scan n | wc -l)" 2500
    mkfifo pauses
    strata --stage "$batched" load slow pauses 2>"$work/err" &
    exec 8>pauses
    printf 'a\t1\nb\t2\n' >&8
    wait_until eval 'strata inspect slow/000001.log | grep -q "\"b\""'
    is batch_is_stored_when_the_input_pauses $? 0
    printf 'c\t3\n' >&8
    exec 8>&-
    wait $!
    like batch_goes_on_after_the_pause "$? $(cat "$work/err")" '^0 loaded 3 records'
    is batch_of_pauses_stores_all "$(strata scan slow --keys-only | tr '\n' ' ')" 'a b c '
else
    skip batches "no stage of this build promises them"
fi
# ---- A header of two megabytes ----
{ seq -f 'c%.0f' -s, 300000 | tr -d '\n'; echo ',value,key'; head -c 300000 /dev/zero | tr '\0' ,; echo v,k; } >wide.csv
code csv_may_have_many_columns 0 strata load wide wide.csv --key key --value value
is csv_of_many_columns_is_read "$(strata scan wide)" "$(printf 'k\tv')"
done_testing
