#!/bin/bash
# The completion scripts load in their shells and offer every command and option.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

setup() {
	commands=$(epolltune --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p')
	[ "$commands" ] || fail 'no commands in --help'
	epolltune completion bash >bash
	epolltune completion zsh >_epolltune
	epolltune completion fish >epolltune.fish
}

# Prints what bash offers to complete the last word.
offer() { # WORD…
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_epolltune
	[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
}

load_bash() {
	bash -n bash || fail 'bash does not read its script'
	# shellcheck source=/dev/null
	. ./bash
	set +e # the script is for interactive shells
}

test_bash_offers_every_command_and_option() {
	load_bash
	for command in $commands; do
		offer epolltune '' | grep -qx "$command" || fail "bash does not offer $command"
		offer epolltune "$command" --h | grep -qx -e --help || fail "bash: no --help for $command"
		for option in $(epolltune "$command" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
			offer epolltune "$command" - | grep -qx -e "$option" || fail "bash does not offer $command $option"
		done
	done
}

test_bash_offers_the_values_of_an_option() {
	load_bash
	is 'for completion' "$(offer epolltune completion z)" zsh
	is 'for help' "$(offer epolltune help vers)" version
	is 'for --format' "$(offer epolltune check --format js)" json
	is 'for --format=' "$(offer epolltune check --format = js)" json
	is 'for --probe' "$(offer epolltune check --probe desc)" descriptors
	is 'for a second probe' "$(offer epolltune check --probe descriptors,acc)" descriptors,accept-queue
	is 'for --rate' "$(offer epolltune check --rate '')" ''
	mkdir bb
	is 'for files' "$(offer epolltune check --output ba)" bash
	is 'for directories' "$(offer epolltune history --state-dir b)" bb
}

# Prints what an interactive zsh lists behind each line.
zsh_offers() { # LINE…
	cat >drive <<-'EOS'
		zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "PS1=; setopt no_beep; stty -echo rows 100; autoload -Uz compinit; compinit -u -D; source $1"
		zpty -w shell "zstyle ':completion:*' list-prompt ''; LISTMAX=1000; zle -N offer; bindkey '^I' offer"
		zpty -w shell "offer() { zle list-choices; zle -R; print -n list''ed }"
		shift
		for line; do
			zpty -w shell "echo begin"
			zpty -r shell seen '*begin*'
			# Do not type before zsh shows the list: typing would suppress it.
			zpty -w -n shell "$line"$'\t'
			zpty -r shell seen '*listed*'
			zpty -w -n shell $'\C-u'"echo end"$'\n'
			zpty -r shell more '*end*'
			print -r -- "$seen"
		done
		zpty -d shell
	EOS
	timeout 60 zsh -f drive "$work/_epolltune" "$@"
}

test_zsh_offers_commands_options_and_values() {
	needs zsh
	zsh -n _epolltune || fail 'zsh does not read its script'
	seen=$(zsh_offers 'epolltune ')
	for command in $commands; do
		case $seen in *"$command"*) ;; *) fail "zsh does not offer $command: $seen" ;; esac
	done
	seen=$(zsh_offers 'epolltune completion ')
	case $seen in *bash*zsh*) ;; *) fail "zsh does not offer the shells: $seen" ;; esac
	seen=$(zsh_offers 'epolltune check --format ' 'epolltune check --' 'epolltune check --probe descriptors,')
	case $seen in *json*text*--rate*accept-queue*) ;; *) fail "zsh: options of check: $seen" ;; esac
}

# Prints what fish offers behind each line, without the descriptions.
fish_offers() { # LINE…
	HOME=$work fish --no-config -c 'source epolltune.fish
		for line in $argv; complete -C"$line" | string replace -r "\t.*" ""; end' "$@"
}

test_fish_offers_commands_options_and_values() {
	needs fish
	fish -n epolltune.fish || fail 'fish does not read its script'
	is commands "$(fish_offers 'epolltune ' | sort | paste -sd ' ')" "$(echo "$commands" | sort | paste -sd ' ')"
	for command in $commands; do
		fish_offers "epolltune $command --" | sort >offered
		epolltune "$command" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort >options
		diff options offered || fail "fish: options of $command"
	done
	is 'for completion' "$(fish_offers 'epolltune completion z')" zsh
	is 'for --format' "$(fish_offers 'epolltune check --format js')" json
	is 'for a second probe' "$(fish_offers 'epolltune check --probe descriptors,acc')" descriptors,accept-queue
	mkdir bb
	is 'for files' "$(fish_offers 'epolltune check --output ba')" bash
	is 'for directories' "$(fish_offers 'epolltune history --state-dir b')" bb/
	is 'for operands' "$(fish_offers 'epolltune explain net.core.somax')" net.core.somaxconn
}

run_tests "$@"
