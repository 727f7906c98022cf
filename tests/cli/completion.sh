#!/bin/bash
# completion: bash's own function is asked, as bash asks it; zsh reads its file.
. "$(dirname "$0")/tap.bash"
strata completion bash >strata.bash
strata completion zsh >_strata
mkdir -p dbs/one 'dbs/two words' && touch all.csv 'my file'

# offers WORDS...: what is offered for the last word, on one line. Words are as bash splits them: "="
# is one of its own.
offers() {
    bash --norc -c '
        . ./strata.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _strata && :
        ((${#COMPREPLY[@]})) && printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort | paste -sd,
}
code bash_reads_it 0 bash --norc -n strata.bash
is bash_reads_it_without_a_word "$(bash --norc -eu -c '. ./strata.bash' 2>&1)" ""
like bash_asks_the_function "$(bash --norc -c '. ./strata.bash; complete -p strata')" 'complete -F _strata strata'
commands=$(strata help | sed -n 's/^  \([a-z]*\) .*/\1/p')
is bash_offers_every_command "$(offers strata '')" "$(sort <<<"$commands" | paste -sd,)"
is bash_offers_commands_by_their_beginning "$(offers strata sta)" stages,stats
is bash_offers_a_command_behind_an_option "$(offers strata --stage 3 sta)" stages,stats

# Every option that a help page names, and no other.
bad=
for command in $commands; do
    wanted=$(strata help $command | grep -oE '^  (-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+'; echo --help)
    [ "$(offers strata $command -)" = "$(sort <<<"$wanted" | paste -sd,)" ] || bad="$bad $command"
done
is bash_offers_the_options_of_each_command "$bad" ""
is bash_offers_options_by_their_beginning "$(offers strata scan --ke)" --keys-only
is bash_offers_no_option_behind_dashes "$(offers strata put dbs -- -)" ""
is bash_offers_options_before_a_command "$(offers strata --v)" --version

# ---- Values ----
is bash_offers_words "$(offers strata put --sync '')" always,interval,never
is bash_offers_words_behind_equals "$(offers strata put --sync = al)" always
is bash_offers_words_behind_a_bare_equals "$(offers strata put --sync =)" always,interval,never
is bash_offers_words_of_format "$(offers strata dump db --format j)" jsonl
is bash_offers_nothing_for_a_number "$(offers strata scan db --limit '')" ""
is bash_offers_files_for_a_file "$(offers strata timeline db -o '')" '_strata,all.csv,dbs,my file,strata.bash'
is bash_goes_on_behind_a_value "$(offers strata --format csv load dbs/one al)" all.csv
is bash_goes_on_behind_equals "$(offers strata --format = csv load dbs/one al)" all.csv

# ---- Operands ----
is bash_offers_directories "$(offers strata get dbs/)" 'dbs/one,dbs/two words'
is bash_offers_directories_only "$(offers strata get '')" dbs
is bash_offers_no_key "$(offers strata get dbs '')" ""
is bash_offers_files_to_load "$(offers strata load dbs a)" all.csv
is bash_offers_a_file_for_a_value "$(offers strata put dbs k @my)" '@my file'
is bash_offers_nothing_for_a_value "$(offers strata put dbs k my)" ""
is bash_offers_commands_to_help "$(offers strata help ver)" verify,version
is bash_offers_words_for_an_operand "$(offers strata completion '')" bash,zsh
is bash_offers_two_directories_to_migrate "$(offers strata migrate dbs/one dbs/t)" 'dbs/two words'
is bash_offers_nothing_for_what_is_too_much "$(offers strata verify dbs '')" ""

# ---- Settings of the user's shell ----
offers_under() { # SETTING WORDS...
    bash --norc -c "$1"'
        . ./strata.bash
        COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2))
        _strata
        printf "%s," ${COMPREPLY[@]+"${COMPREPLY[@]}"}' bash "$@" 2>&1
}
is bash_offers_words_whatever_parts_them "$(offers_under 'IFS=,' strata put --sync '')" never,interval,always,
is bash_offers_commands_whatever_parts_them "$(offers_under 'IFS=:' strata sta)" stats,stages,
is bash_offers_files_whatever_parts_them "$(offers_under 'IFS=w' strata get dbs/t)" 'dbs/two words,'
for words in 'verify dbs' 'put dbs k v' 'nothing x' 'get dbs k' 'put --memtable'; do
    is "bash_offers_nothing_under_nounset: $words" "$(offers_under 'set -u;' strata $words '')" ,
done

# ---- zsh ----
is zsh_has_every_command "$(sed -n "s/^    '\([a-z]*\):.*/\1/p" _strata)" "$commands"
bad=
for command in $commands; do
    wanted=$(strata help $command | grep -oE '^  (-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+'; echo --help)
    got=$(sed -n "/^    $command) _arguments/,/;;$/p" _strata | grep -oE "^ +'--[a-z-]+" | grep -oE -- '--[a-z-]+')
    [ "$got" = "$wanted" ] || bad="$bad $command"
done
is zsh_has_the_options_of_each_command "$bad" ""
like zsh_begins_as_its_system_wants "$(head -1 _strata)" '^#compdef strata$'
if command -v zsh >/dev/null; then
    code zsh_reads_it 0 zsh -n _strata
else
    skip zsh_reads_it "there is no zsh"
fi
fails completion_of_another_shell_is_2 2 'completion: "fish" is none of bash, zsh' strata completion fish
fails completion_of_nothing_is_2 2 'completion: bash|zsh is missing' strata completion
done_testing
