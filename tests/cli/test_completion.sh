#!/bin/bash
# The completion scripts load in their shells and offer every command and option.
set -u

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
	echo "$*"
	failed=1
}

"$PROGRAM" completion bash >"$work/bash" || fail 'completion bash failed'
"$PROGRAM" completion zsh >"$work/_epolltune" || fail 'completion zsh failed'
commands=$("$PROGRAM" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p')
[ "$commands" ] || fail 'no commands in --help'

bash -n "$work/bash" || fail 'bash does not read its script'
# shellcheck source=/dev/null
. "$work/bash"

# offer WORD...: print what bash offers to complete the last word.
offer() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_epolltune
	[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
}

for command in $commands; do
	offer epolltune '' | grep -qx "$command" || fail "bash does not offer $command"
	offer epolltune "$command" --h | grep -qx -e --help || fail "bash: no --help for $command"
	for option in $("$PROGRAM" "$command" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
		offer epolltune "$command" - | grep -qx -e "$option" ||
			fail "bash does not offer $command $option"
	done
done
[ "$(offer epolltune completion z)" = zsh ] || fail 'bash does not offer zsh for completion'
[ "$(offer epolltune help vers)" = version ] || fail 'bash does not offer version for help'
if offer epolltune '' | grep -qx check; then
	[ "$(offer epolltune check --format j)" = json ] || fail 'bash: no json for --format'
	[ "$(offer epolltune check --format = j)" = json ] || fail 'bash: no json for --format='
	[ "$(offer epolltune check --probe desc)" = descriptors ] || fail 'bash: no probes'
	[ "$(offer epolltune check --probe descriptors,acc)" = descriptors,accept-queue ] ||
		fail 'bash: no second probe'
	[ "$(offer epolltune check --rate '')" = '' ] || fail 'bash: invents values for --rate'
	(cd "$work" && [ "$(offer epolltune check --output ba)" = bash ]) || fail 'bash: no files'
	(mkdir "$work/bb" && cd "$work" && [ "$(offer epolltune check --sysroot b)" = bb ]) ||
		fail 'bash: no directories'
fi

if command -v zsh >/dev/null; then
	zsh -n "$work/_epolltune" || fail 'zsh does not read its script'
	cat >"$work/drive" <<-'EOS'
		zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "PS1=; setopt no_beep; stty -echo rows 80; LINES=80; autoload -Uz compinit; compinit -u -D; source $1"
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
	seen=$(timeout 60 zsh -f "$work/drive" "$work/_epolltune" 'epolltune ')
	for command in $commands; do
		case $seen in *"$command"*) ;; *) fail "zsh does not offer $command: $seen" ;; esac
	done
	seen=$(timeout 60 zsh -f "$work/drive" "$work/_epolltune" 'epolltune completion ')
	case $seen in *bash*zsh*) ;; *) fail "zsh does not offer the shells: $seen" ;; esac
	if "$PROGRAM" help check >/dev/null 2>&1; then
		seen=$(timeout 60 zsh -f "$work/drive" "$work/_epolltune" 'epolltune check --format ' \
			'epolltune check --' 'epolltune check --probe descriptors,')
		case $seen in *json*text*--rate*accept-queue*) ;; *) fail "zsh: options of check: $seen" ;; esac
	fi
elif [ "${EPOLLTUNE_MUST_RUN:-}" ]; then
	fail 'zsh is not installed'
fi
exit $failed
