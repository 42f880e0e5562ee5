#!/bin/sh
# Tests what DESIGN.md promises to contributors: it adds a probe, a knob, a finding, a counter, a
# symptom, a myth, a format, a command and another wording to a copy of the tree, each in the promised places
# only, and the program built from it has them in all its outputs.
set -u
BUILD=${BUILD:-build}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
copy=$work/copy new=$copy/$BUILD/epolltune promise='' failed=0
export COLUMNS=400

fail() {
	echo "FAILED: ${promise:+$promise: }$*"
	failed=1
}
give_up() {
	fail "$@"
	exit 1
}
promise() { promise=$1 && echo "$1"; }
enter='unshare -Urn'
$enter true 2>/dev/null || enter=

# prints TEXT COMMAND...: fail unless the command prints TEXT. Ignores the exit status.
prints() {
	text=$1
	shift
	out=$("$@" 2>&1)
	case $out in *"$text"*) ;; *) fail "no \"$text\" from $*: $out" ;; esac
}
# holds FILTER FILE: fail unless the jq filter is true.
holds() { jq -e "$1" "$2" >/dev/null || fail "not so: $1 in $(cat "$2")"; }
# add FILE [PATTERN]: add standard input to FILE of the copy, after the first match or at the end.
add() {
	file=$copy/$1 && cat >"$work/part"
	[ $# -eq 1 ] || grep -q "$2" "$file" || give_up "no line \"$2\" in $1"
	if [ $# -eq 1 ]; then cat "$work/part" >>"$file"; else sed -i "0,/$2/{/$2/r $work/part
	}" "$file"; fi
}
# replace FILE OLD NEW: replace a text in FILE of the copy.
replace() {
	grep -q "$2" "$copy/$1" || give_up "no \"$2\" in $1"
	sed -i "s/$2/$3/" "$copy/$1"
}
# make passes the flags of a variant; without make they follow from the name of the build directory.
build() {
	case $BUILD in */*san) export SAN=1 ;; esac
	case $BUILD in */clang*) export CC=clang ;; esac
	(cd "$copy" && make -s -j2 BUILD="$BUILD" "$@") >"$work/log" 2>&1 || {
		cat "$work/log"
		give_up "cannot build $*"
	}
}

case $BUILD in /*)
	echo "skipped: $BUILD cannot be copied with the tree"
	exit 77
	;;
esac
# Copy the build too, so that make compiles only what changes.
mkdir -p "$copy/$BUILD/tests" || exit 1
cd "$root" && cp -a Makefile include src probes man tests "$copy" || exit 1
for part in src probes man tests/support libs.mk flags sources libepolltune.a; do
	[ ! -e "$BUILD/$part" ] || cp -a "$BUILD/$part" "$copy/$BUILD/${part%support}" || exit 1
done

# A probe: one file, one line, its rows.
cat >"$copy/probes/toy.c" <<'PROBE'
/* A toy: the packets of a search for the path MTU. */
#include "epolltune/probe.h"

#include <stdio.h>

#include "epolltune/knob.h"

#define KNOB "net.ipv4.tcp_probe_threshold"

static void toy_bound(const struct target *target, const struct settings *s, struct bound *b)
{
	(void)target;
	b->binding = 0;
	b->capacity = s->at[0][0];
}

static bool toy_solve(const struct target *target, const struct settings *now,
		      const struct outcome *o, int64_t enough, struct settings *out)
{
	(void)target;
	(void)now;
	(void)o;
	out->at[0][0] = enough;
	return true;
}

static int toy_run(struct trial *t, struct settings *s, struct outcome *out, struct err *e)
{
	char value[KNOB_VALUE];
	(void)s;
	out->limit_met = true;
	int rc = lab_knob_get(t->lab, LAB_SERVER, KNOB, value, sizeof(value), e);
	return rc ? rc : knob_field(value, 0, &out->reached);
}

static void toy_describe(const struct trial *t, const struct outcome *o, char *text, size_t size)
{
	snprintf(text, size, t->proof ? "%lld toys" : "The lab has %lld toys.",
		 (long long)o->reached);
}

static const struct experiment experiments[] = {
	{
		.wall = "toys",
		.knobs = {KNOB},
		.bound = toy_bound,
		.solve = toy_solve,
		.run = toy_run,
		.describe = toy_describe,
	},
	{0},
};

const struct probe probe_toy = {
	.name = "toy",
	.summary = "how many toys fit",
	.experiments = experiments,
};
PROBE
echo 'PROBE(toy)' | add probes/probes.def
add src/catalogue/walls.c '^static const struct wall_row walls\[\] = {$' <<'ROW'
	{
		.name = "toys",
		.unit = "toys",
		.need = need_connections,
		.what = "The toys that fit.",
		.detail = "{knob} {value}.",
	},
ROW
add src/catalogue/findings.c '^static const struct finding_row findings\[\] = {$' <<'ROW'
	SHORT("toys", REMEDY_KERNEL, "The toy box is {tight?tight:too small}", "{needed} are needed.",
	      "{how}", "The toys do not fit.", "Get a larger box.", "A toy on the floor",
	      "The toys fit"),
	{.id = "accept-queue.toy",
	 .level = LEVEL_WARNING,
	 .wall = "accept-queue",
	 .observed = true,
	 .title = "A toy waits in the queue",
	 .detail = "It is a bear.",
	 .advice = "",
	 .meaning = "A toy is not a client.",
	 .action = "Take it out.",
	 .proof = "The bear"},
ROW
# The finding is added by the observation of another probe.
add probes/accept-queue.c '^static void observation_judge(' </dev/null
sed -i '/^static void observation_judge(/,/^}/ s/^{$/{\n\treport_finding(r, "accept-queue.toy", NULL);/' \
	"$copy/probes/accept-queue.c"

# A knob, a counter, a symptom, a myth: one row each.
add src/catalogue/knobs.c '^static const struct knob knobs\[\] = {$' <<'ROW'
	{
		.name = "net.ipv4.tcp_probe_threshold",
		.scope = KNOB_NETNS,
		.shape = KNOB_NUMBER,
		.effect = KNOB_NEXT_SOCKET,
		.unit = "bytes",
		.min = 1,
		.max = INT32_MAX,
		.walls = "toys",
		.what = "The bytes that toys weigh.",
		.cost = "A tidy room.",
		.counter = "TcpExt.TCPToys",
		.source = "ip-sysctl.rst",
		.since = "",
	},
ROW
add src/catalogue/counters.c '^static const struct counter_row counters\[\] = {$' <<'ROW'
	{"TcpExt.TCPToys", "/proc/net/netstat", "Toys that were lost.", "toys", "nstat -az TcpExtTCPToys"},
ROW
add src/catalogue/symptoms.c '^static const struct symptom_row symptoms\[\] = {$' <<'ROW'
	{"ETOYS", "A toy broke.", "toys", "ls toys", "Repair it."},
ROW
sed -i 's/^static const struct myth myths\[\] = {$/static bool plays(struct value_rule *v) { return v->field[0] != REPORT_NONE; }\n\n&/' \
	"$copy/src/catalogue/myths.c"
add src/catalogue/myths.c '^static const struct myth myths\[\] = {$' <<'ROW'
	{
		.name = "toys-everywhere",
		.claim = "More toys are more fun.",
		.truth = "A box is enough.",
		.source = "The children",
		.since = "",
		.knobs = {"net.ipv4.tcp_probe_threshold"},
		.followed = plays,
		.level = LEVEL_NOTE,
		.effect = "scatters toys",
		.reason = "They cover the floor.",
	},
ROW

# A format of a report: one file, one line.
cat >"$copy/src/report/tally.c" <<'FORMAT'
/* Counts walls and findings. */
#include "report/render.h"

int render_tally(FILE *out, const struct report *r, const struct render_style *style, struct err *e)
{
	(void)style;
	(void)e;
	fprintf(out, "tally: %zu walls\n", r->wall_count);
	return 0;
}
FORMAT
echo 'FORMAT(tally, "tally for toys of all kinds and sizes")' | add src/report/formats.def

# A command with its options: one file, one line.
cat >"$copy/src/commands/pile.c" <<'COMMAND'
/* Piles toys. */
#include "commands/command.h"

#include <stdio.h>

struct pile {
	uint64_t toys;
	bool neat;
	enum { BLOCKS, BEARS } of;
};
#define AT(member) OPTION_AT(struct pile, member)

static const struct option_row options[] = {
	{"toys", "N", "toys of the pile", AT(toys), NUMBER(COUNT, 1, 1000)},
	{"neat", NULL, "pile them neatly", AT(neat), FLAG},
	{"of", "KIND", "what they are", AT(of), CHOICE("blocks,bears")},
	{0},
};
static const struct pile defaults = {.toys = 30};

static int pile(void *arguments, const struct given *given)
{
	const struct pile *p = arguments;
	(void)given;
	printf("%llu %s%s\n", (unsigned long long)p->toys, p->neat ? "neat " : "",
	       p->of == BEARS ? "bears" : "blocks");
	return EXIT_OK;
}

const struct command pile_command = {
	.name = "pile",
	.arguments = "",
	.summary = "Pile toys",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = pile,
};
COMMAND
echo 'COMMAND(pile)' | add src/commands/commands.def

# Another wording: one place for each text.
old_title='A server that does not raise its soft limit' new_title='A server that keeps its soft limit'
old_meaning='The hard limit suffices, but a server' new_meaning='The hard limit is high, but a server'
replace src/catalogue/findings.c "$old_title" "$new_title"
replace src/catalogue/findings.c "$old_meaning" "$new_meaning"

promise 'The copy with all additions builds'
table=$BUILD/tests/unit/test_verdict_accept_queue
build all man "$table"
page=$copy/man/epolltune-knobs.7
"$new" completion bash >"$work/bash" || fail 'completion bash'
# named KIND NAME TEXT: list, explain, completion and the manual have a row and a text of it.
named() {
	prints "$2" "$new" list "$1"
	prints "$3" "$new" explain "$2"
	grep -qwF -e "$2" "$work/bash" || fail "completion has no $2"
	[ "$1" = probes ] || grep -qF "$2" "$page" || fail "the manual page has no $2"
	[ "$1" = probes ] || grep -qF "$3" "$page" || fail "the manual page has no \"$3\""
}

promise 'A probe is one file, one line in probes.def and its rows in the catalogue'
named probes toy 'how many toys fit'
named walls toys 'The toys that fit.'
named findings toys.short 'The toys do not fit.'
named findings toys.tight 'with less than 25 % headroom'
"$new" check --probe toy --format json >"$work/toy.json" 2>"$work/errors"
[ $? -eq 2 ] || fail "check --probe toy has another status: $(cat "$work/errors" "$work/toy.json")"
holds '[.walls[] | .name, .verdict, .needed] == ["toys", "short", 10000]' "$work/toy.json"
holds '.findings[] | select(.id == "toys.short") | .title == "The toy box is too small"' "$work/toy.json"
if [ "$enter" ]; then
	holds '.walls[0].method == "measured"' "$work/toy.json"
	holds '.findings[] | select(.id == "toys.short") | [.proposed, .tried_state, .tried] ==
		["12500", "tried", "12500 toys"]' "$work/toy.json"
elif [ "${EPOLLTUNE_MUST_RUN:-}" ]; then
	fail 'no private namespaces here, so no proposal is tried'
else
	echo 'skipped: no private namespaces here, so no proposal is tried'
fi

promise 'A knob is one row'
named knobs net.ipv4.tcp_probe_threshold 'The bytes that toys weigh.'
prints 'net.ipv4.tcp_probe_threshold' "$new" list walls
prints '+ 77' $enter "$new" apply --set net.ipv4.tcp_probe_threshold=77 --dry-run
prints '0 is outside 1 to' $enter "$new" apply --set net.ipv4.tcp_probe_threshold=0 --dry-run

promise 'A finding is one row'
named findings accept-queue.toy 'A toy is not a client.'
prints 'A toy waits in the queue' "$new" check --quick --probe accept-queue
prints 'accept-queue.toy: A toy waits' "$new" check --quick --probe accept-queue --format line

promise 'A counter, a symptom and a myth are one row each'
named counters TcpExt.TCPToys 'Toys that were lost.'
named symptoms ETOYS 'A toy broke.'
named myths toys-everywhere 'More toys are more fun.'
"$new" check --quick --probe myths --format json >"$work/myths.json"
holds '[.findings[] | select(.id == "knob.myth") | .title] | any(contains("scatters toys"))' \
	"$work/myths.json"

promise 'A format of a report is one file and one line in formats.def'
prints 'tally: 1 walls' "$new" check --quick --probe toy --format tally
prints ', tally for toys of all kinds and sizes ' sh -c '"$0" check --help | tr -s " \n" " "' "$new"
[ -z "$("$new" check --help | grep '.\{81\}')" ] || fail 'the help is wider than 80 columns'
prints ', tally' "$new" check --format yaml
grep -q -e "--format) values='[^']* tally'" "$work/bash" || fail 'completion does not offer it'

promise 'A command with its options is one file and one line in commands.def'
prints 'Pile toys' "$new" --help
prints '--toys N            toys of the pile (30)' "$new" pile --help
prints '--of KIND           what they are: blocks (default) or bears' "$new" pile --help
prints '30 blocks' "$new" pile
prints '1000 neat bears' "$new" pile --of bears --neat --toys=1k
prints '--toys: ' "$new" pile --toys 1001
prints 'pile: unknown option "--neet"; did you mean --neat?' "$new" pile --neet
prints '--of: "bear" is not one of blocks, bears' "$new" pile --of bear
prints 'pile: unexpected argument "more"' "$new" pile more
grep -q -e "options='--toys --neat --of --help'" "$work/bash" || fail 'completion has no options'
grep -q -e "--of) values=' blocks bears' takes=one" "$work/bash" || fail 'completion has no choices'
"$new" completion zsh >"$work/zsh" && grep -qF "'pile:Pile toys'" "$work/zsh" || fail 'zsh has no pile'

promise 'Another wording is one place'
for format in text json line; do
	prints "$new_title" "$new" check --sysroot "$root/tests/hosts/debian-12-6.1" --format $format
done
named findings descriptors.process.soft-limit "$new_meaning"
grep -aqF -e "$old_title" -e "$old_meaning" "$new" "$page" && fail 'the old wording is left'

promise 'Another verdict is one pure function, and its table of cases sees it'
"$copy/$table" >"$work/cases" 2>&1 || fail "the table fails before the change: $(cat "$work/cases")"
cp "$copy/src/judge/backlog.c" "$work/before"
sed -i '/^void backlog_bound(/,/^}/ s/ + 1;/ + 2;/' "$copy/src/judge/backlog.c"
cmp -s "$copy/src/judge/backlog.c" "$work/before" && give_up 'backlog_bound() has no " + 1;"'
build "$table"
"$copy/$table" >"$work/cases" 2>&1 && fail 'the table passes with a wrong bound'
grep -q '^\[  FAILED  \] each_row' "$work/cases" || fail "no case fails: $(cat "$work/cases")"

exit $failed
