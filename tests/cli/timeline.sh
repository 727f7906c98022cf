#!/bin/bash
# timeline: a page of its own, that tells what the event log tells, and that no key, path or damaged
# line can make into another.
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/cli/tap.bash"

data() { sed -n '/^<script id="data"/,/^<\/script>/p' "$1" | sed '1d;$d'; }
# What a JSON parser makes of it: perl's own. count FILE EVENT: how many such events
parsed() { data "$1" | perl -MJSON::PP -e 'local $/; my $d = decode_json(<STDIN>); print eval $ARGV[0], "\n"' "$2"; }
count() { parsed "$1" 'scalar grep { $_->{e} eq "'"$2"'" } @{$d->{events}}'; }

# ---- What it tells ----
for i in 1 2 3; do strata datagen -n 300 --seed $i | strata load --stage 9 db - 2>/dev/null; done
strata compact db >/dev/null
prints timeline_into_a_file '' strata timeline db -o page.html
like timeline_is_html "$(head -1 page.html)" '^<!DOCTYPE html>$'
is timeline_ends_whole "$(tail -1 page.html)" '</html>'
is timeline_has_the_sessions "$(count page.html open)" 4
is timeline_has_the_flushes "$(count page.html 'flush end')" 3
is timeline_has_the_compaction "$(count page.html 'compact end')" 1
is timeline_has_its_inputs "$(count page.html gone)" 3
is timeline_has_the_tables "$(parsed page.html 'scalar @{$d->{tables}}')" "$(find db -name '*.table' | wc -l)"
is timeline_table_is_the_file "$(parsed page.html '$d->{tables}[0]{b}')" "$(stat -c %s db/*.table)"
is timeline_names_stage_and_directory "$(parsed page.html '"$d->{stage} $d->{dir}"')" '09_fast_paths db'
is timeline_needs_no_network "$(grep -cE 'https?://|src=|@import|fetch\(' page.html)" 0
run strata timeline db
is timeline_to_standard_output "$rc $(printf '%s\n' "$out" | cmp - page.html 2>&1)" '0 '
fails timeline_never_overwrites 4 'page.html: File exists' strata timeline db -o page.html
fails timeline_where_nothing_can_be_made 4 'none/page.html: No such file' strata timeline db -o none/page.html
if [ -w /dev/full ]; then
    fails timeline_full_disk_is_4 4 'standard output: No space left' bash -c 'strata timeline db >/dev/full'
else
    skip timeline_full_disk "no /dev/full"
fi

# The page in the program is the one that is edited: both are in the tree.
skeleton() { sed '/^<script id="data"/,/^<\/script>/d' "$1"; }
skeleton page.html >page.txt
skeleton "$root/common/cli/show/timeline.html" >source.txt
same timeline_page_is_the_source page.txt source.txt

# ---- Keys and paths are text ----
evil='</script><script>document.title="taken"</script><!--'
mkdir -p 'a<img src=x onerror=b>&"'\'
odd='a<img src=x onerror=b>&"'\''/db'
strata put --stage 9 "$odd" "$evil" v
strata put "$odd" '\xff\x00\n"\\' v
strata timeline "$odd" -o evil.html
is timeline_keys_end_no_script "$(grep -o '</script' evil.html | wc -l)" "$(grep -o '</script' page.html | wc -l)"
is timeline_paths_make_no_element "$(grep -c '<img' evil.html)" 0
is timeline_data_have_no_sign_of_html "$(data evil.html | grep -c "[<>&']")" 0
is timeline_keys_come_through "$(parsed evil.html 'join "|", sort grep { defined } map { $_->{lo} } @{$d->{tables}}' | head -1 | cut -c1-48)" "${evil:0:48}"
is timeline_path_comes_through "$(parsed evil.html '$d->{dir}')" "$odd"

# ---- A log that lacks something ----
cp -r db damaged
flip damaged/EVENTS 20
printf '{"event":"flush end","ns":17' >>damaged/EVENTS
strata timeline damaged -o damaged.html
is timeline_damaged_lines_are_counted "$(count damaged.html unreadable)" 2
is timeline_reads_on_behind_damage "$(count damaged.html 'compact end')" 1
prints timeline_damage_of_the_log_is_none_of_data 'damaged: no damage' strata verify damaged
like timeline_damage_of_the_log_is_warned_of "$err" '^strata: warning: damaged/EVENTS @0: 1 lines'
prints timeline_log_that_was_cut_is_no_damage 'cut: no damage' bash -c 'cp -r db cut; printf "{" >>cut/EVENTS; strata verify cut 2>&1'
strata put damaged later v
strata timeline damaged -o again.html
is timeline_goes_on_behind_a_cut_line "$(count again.html unreadable) $(count again.html open)" '2 4'
cp -r db without
rm without/EVENTS
code timeline_without_a_log_is_a_page 0 strata timeline without -o without.html
is timeline_without_a_log_has_the_tables "$(parsed without.html '@{$d->{events}} . " " . @{$d->{tables}}')" '0 1'
cp -r db fixed
chmod -R a-w fixed
code timeline_of_files_that_are_read_only 0 strata timeline fixed -o fixed.html
chmod -R u+w fixed
is timeline_writes_nothing "$(cd db && ls | tr '\n' ' ')" "$(cd fixed && ls | tr '\n' ' ')"
like timeline_log_has_an_annotated_dump "$(strata inspect db/EVENTS)" 'event log, .*'
code timeline_damaged_log_inspected_is_3 3 strata inspect damaged/EVENTS

# ---- Where there is none ----
for stage in 1 2 3 4 5; do
    strata put --stage $stage "db$stage" k v
    fails "timeline_of_stage_${stage}_is_5" 5 "^strata: timeline: not supported: 0${stage}_[a-z_]* has no event log$" strata timeline "db$stage" -o no.html
done
is timeline_refused_leaves_no_file "$(ls no.html 2>/dev/null)" ''
fails timeline_of_nothing_is_7 7 'no database: nowhere' strata timeline nowhere
fails timeline_without_dir_is_2 2 'timeline: DIR is missing' strata timeline
done_testing
