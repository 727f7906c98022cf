#!/bin/bash
# Malformed input: named by place, nothing after it loaded, what was before stays.
. "$(dirname "$0")/tap.bash"
shopt -s lastpipe # `... | bad` counts and keeps $err
n=0
# NAME LINE:COLUMN REASON [ARGUMENT] ; the bytes come on stdin
bad() {
    n=$((n + 1))
    cat >"in$n.tsv"
    fails "load_$1" 2 "^strata: load: in$n\.tsv:$2: $3" strata load "db$n" "in$n.tsv" ${4:-}
}
after=$'z\t26\n'

printf 'a\t1\nb\t2\noops\n%s' "$after" | bad line_without_tab 3:5 'the line ends without a tab'
like load_says_how_many_stay "$err" '^strata: load: stopped; records loaded before, which stay: 2$'
prints load_keeps_what_was_before $'a\t1\nb\t2' strata scan db1
printf 'a\t1\n\n' | bad empty_line 2:1 'the line ends without a tab'
printf 'a\t1\nlast' | bad last_line_without_tab 2:5 'the line ends without a tab'
printf 'a\t1\nb\\q\t2\n' | bad unknown_escape_in_key 2:2 'no such escape'
printf 'a\t1\nb\tcd\\q2\n' | bad unknown_escape_in_value 2:5 'no such escape'
printf 'a\\xg0\t1\n' | bad bad_first_digit 1:4 'not a hexadecimal digit'
printf 'a\\x0\t1\n' | bad escape_cut_by_the_tab 1:2 'cut short'
printf 'a\tb\\\n' | bad escape_cut_by_the_line 1:4 'cut short'
printf 'a\tb\\x4' | bad escape_cut_by_the_end 1:4 'cut short'
printf 'a\t1\r\nb\t2\r\n' | bad dos_line_end 1:4 'a carriage return'
printf 'a\rb\t1\n' | bad carriage_return_in_key 1:2 'a carriage return'
printf '61\t6g\n' | bad hex_bad_digit 1:5 'not a hexadecimal digit' --hex
printf '61\t616\n' | bad hex_odd_digits 1:6 'odd number' --hex
printf '6\t61\n' | bad hex_odd_digits_in_key 1:1 'odd number' --hex
printf '61 \t61\n' | bad hex_blank 1:3 'not a hexadecimal digit' --hex
printf '\xef\xbb\xbf6x\t61\n' | bad hex_after_a_byte_order_mark 1:5 'not a hexadecimal digit' --hex
printf 'a\t1\nb\t2\t3\n' | bad third_column 2:4 'a second tab'
head -c 65537 /dev/zero | tr '\0' k | bad key_too_long 1:65537 'the key is longer than 65536 bytes'
{ printf 'a\t1\n'; head -c 65536 /dev/zero | tr '\0' k; printf '\\x41\t1\n'; } |
    bad key_too_long_by_an_escape 2:65540 'the key is longer than 65536 bytes'
{ head -c 65536 /dev/zero | tr '\0' k; printf '\tv\n'; } >longest.tsv
code load_longest_key 0 strata load longest longest.tsv
run bash -c "printf 'x\n' | strata load stdin -"
like load_stdin_is_named "$err" '^strata: load: standard input:1:2: '
like load_says_that_nothing_stays "$err" 'which stay: 0$'

# The same on the command line.
fails put_bad_escape_names_argument_and_column 2 '^strata: put: KEY: column 3: no such escape' strata put db 'ab\q' v
fails put_bad_escape_in_value 2 '^strata: put: VALUE: column 1: .*cut short' strata put db k '\'
fails put_bad_hex 2 '^strata: put: VALUE: column 2: not a hexadecimal digit' strata put db --hex 61 6x
fails put_odd_hex 2 '^strata: put: KEY: column 3: odd number' strata put db --hex 616 61
fails put_key_too_long 2 '^strata: put: KEY: longer than 65536 bytes' strata put db "$(printf %065537d 0)" v
fails scan_bad_escape_names_the_option 2 '^strata: scan: --prefix: column 2: ' strata scan db --prefix 'a\z'
is put_malformed_makes_no_database "$(ls -d db 2>&1 | grep -c 'No such')" 1
done_testing
