#!/bin/bash
# destroy: what it removes, what it leaves and names, and what it refuses.
. "$(dirname "$0")/tap.bash"

strata put db a 1
mkdir db/mine && echo text >db/notes.txt && echo text >db/000123.log
fails destroy_wants_yes 2 'destroy: this removes all data in db: confirm with --yes' strata destroy db
prints destroy_without_yes_removes_nothing 1 strata get db a
prints destroy_names_what_it_leaves 'db/000123.log: left, it is no file of the database
db/mine: left, it is no file of the database
db/notes.txt: left, it is no file of the database
db: destroyed' strata destroy db --yes
is destroy_leaves_only_that "$(ls db | tr '\n' ' ')" '000123.log mine notes.txt '
strata put names a 1
touch names/$'a\e[31m\nb'
prints destroy_escapes_the_names_that_it_leaves 'names/a\x1b[31m\nb: left, it is no file of the database
names: destroyed' strata destroy names --yes
fails destroy_of_no_database 7 'no database: db: ' strata destroy db --yes
fails destroy_of_nothing 7 'no database: nowhere: ' strata destroy nowhere --yes
for stage in 1 2 3 4 5 6; do
    printf 'put a 1\nput b 2\nflush\ncompact\n' | strata shell --create --stage $stage "db$stage" >"$work/said" 2>&1
    prints "destroy_removes_all_of_stage_$stage" "db$stage: destroyed" strata destroy --yes "db$stage"
    is "destroy_removes_the_directory_of_stage_$stage" "$(ls -d "db$stage" 2>&1 | grep -c 'No such file')" 1
done
strata put open a 1
coproc strata shell open
echo 'get a' >&"${COPROC[1]}" && read -r value <&"${COPROC[0]}"
fails destroy_of_what_is_open 6 'open/LOCK: another handle, .* has the database open' strata destroy open --yes
exec {COPROC[1]}>&-
wait
prints destroy_of_what_is_open_removed_nothing 1 strata get open a
done_testing
