#!/bin/sh
# What DESIGN.md promises to contributors: a probe, a knob, a finding, a counter, a symptom, a myth, a
# format, a command, a bench and another wording are added to a copy of the tree, each in the promised
# places only, and the program built from it has them in all its outputs.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
build=${BUILD#"$root"/}
copy=$shared/copy new=$shared/copy/$build/epolltune page=$shared/copy/man/epolltune-knobs.7
table=$build/tests/unit/test_verdict_accept_queue
old_title='A server that does not raise its soft limit' new_title='A server that keeps its soft limit'
old_meaning='The hard limit suffices, but a server' new_meaning='The hard limit is high, but a server'
export COLUMNS=400
enter='unshare -Urn'
may_unshare -Urn || enter=

# Adds standard input to FILE of the copy, after the first match or at the end.
add() { # FILE [PATTERN]
	cat >part
	[ $# -eq 1 ] || grep -q "$2" "$copy/$1" || fail "no line \"$2\" in $1"
	if [ $# -eq 1 ]; then cat part >>"$copy/$1"; else sed -i "0,/$2/{/$2/r part
	}" "$copy/$1"; fi
}

# Replaces a text in FILE of the copy.
replace() { # FILE OLD NEW
	grep -q "$2" "$copy/$1" || fail "no \"$2\" in $1"
	sed -i "s/$2/$3/" "$copy/$1"
}

# make passes the flags of a variant; without make they follow from the name of the build directory.
make_copy() { # GOAL…
	case $build in */*san) export SAN=1 ;; esac
	case $build in */clang*) export CC=clang ;; esac
	make -C "$copy" -s -j2 BUILD="$build" "$@"
}

# Copies the build too, so that make compiles only what changes.
copy_tree() {
	case $build in /*) skip "$build cannot be copied with the tree" ;; esac
	mkdir -p "$copy/$build/tests"
	(cd "$root" && cp -a Makefile include src probes man tests "$copy")
	for part in src probes man tests/support libs.mk flags sources libepolltune.a; do
		[ ! -e "$root/$build/$part" ] || cp -a "$root/$build/$part" "$copy/$build/${part%support}"
	done
}

# One file, one line, its rows.
add_probe() {
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
		.need = need_sockets,
		.what = "The toys that fit.",
		.detail = "{knob} {value}.",
	},
ROW
}

add_finding() {
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
}

add_knob() {
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
}

add_counter_clues_and_myth() {
	add src/catalogue/counters.c '^static const struct counter_row counters\[\] = {$' <<'ROW'
	{"TcpExt.TCPToys", "", "/proc/net/netstat", "Toys that were lost.", "toys", REMEDY_KERNEL,
	 "nstat -az TcpExtTCPToys", "Count them."},
ROW
	add src/catalogue/symptoms.c '^static const struct clue_row symptoms\[\] = {$' <<'ROW'
	{"ETOYS", "toy * is broken", "A toy broke.", "toys", REMEDY_APPLICATION, "ls toys", "Repair it.",
	 "toys(7)"},
ROW
	add src/catalogue/directives.c '^static const struct clue_row directives\[\] = {$' <<'ROW'
	{"toys_max", "", "Toys at one time.", "toys", REMEDY_APPLICATION, "ls toys", "toys_max 9;", "toys(5)"},
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
}

# One file, one line.
add_format() {
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
}

# One file, one line.
add_command() {
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
}

# One file, one line.
add_bench() {
	cat >"$copy/src/bench/roll.c" <<'BENCH'
/* How far toys roll. */
#include "bench/benches.h"

static const struct {
	const char *name;
	double cost;
} toys[] = {{"wood", 300}, {"steel", 100}};

static int roll_run(struct bench_run *run, struct err *e)
{
	for (unsigned i = 0; i < run->options.runs; i++) {
		int rc = bench_round(run, "roll", i, e);
		if (rc < 0)
			return rc;
		for (size_t v = 0; v < 2; v++)
			if (bench_wants(run, toys[v].name))
				bench_add(&run->table, "roll", toys[v].name, 8, 0, BENCH_COST,
					  toys[v].cost, "on a floor");
	}
	bench_note(&run->table, "roll: steel rolls farther");
	return 0;
}

const struct bench bench_roll = {
	.name = "roll",
	.summary = "how far toys roll",
	.n = "toys",
	.variants = {BENCH_VARIANTS(toys)},
	.run = roll_run,
};
BENCH
	echo 'BENCH(roll)' | add src/bench/benches.def
}

setup_all() {
	copy_tree
	add_probe
	add_finding
	add_knob
	add_counter_clues_and_myth
	add_format
	add_command
	add_bench
	replace src/catalogue/findings.c "$old_title" "$new_title"
	replace src/catalogue/findings.c "$old_meaning" "$new_meaning"
	make_copy all man "$table"
	"$new" completion bash >bash
	"$new" completion zsh >zsh
}

# The command prints TEXT, with any exit status.
prints() { # TEXT COMMAND…
	text=$1
	shift
	expect any "$@"
	cat out err >both
	contains both "$text"
}

# list, explain, completion and the manual have a row and a text of it.
named() { # KIND NAME TEXT
	prints "$2" "$new" list "$1"
	prints "$3" "$new" explain "$2"
	grep -qwF -e "$2" "$shared/bash" || fail "completion has no $2"
	[ "$1" = probes ] || grep -qF "$2" "$page" || fail "the manual page has no $2"
	[ "$1" = probes ] || grep -qF "$3" "$page" || fail "the manual page has no \"$3\""
}

test_a_probe_is_one_file_one_line_in_probes_def_and_its_rows_in_the_catalogue() {
	named probes toy 'how many toys fit'
	named walls toys 'The toys that fit.'
	named findings toys.short 'The toys do not fit.'
	named findings toys.tight 'with less than 25 % headroom'
	expect 2 "$new" check --probe toy --format json
	json '[.walls[] | .name, .verdict, .needed] == ["toys", "short", 10000]' \
		'finding("toys.short").title == "The toy box is too small"'
	[ "$enter" ] || skip 'no private namespaces here, so no proposal is tried'
	json '.walls[0].method == "measured"' \
		'finding("toys.short") | [.proposed, .tried_state, .tried] == ["12500", "tried", "12500 toys"]'
}

test_a_knob_is_one_row() {
	named knobs net.ipv4.tcp_probe_threshold 'The bytes that toys weigh.'
	prints 'net.ipv4.tcp_probe_threshold' "$new" list walls
	prints '+ 77' $enter "$new" apply --set net.ipv4.tcp_probe_threshold=77 --dry-run
	prints '0 is outside 1 to' $enter "$new" apply --set net.ipv4.tcp_probe_threshold=0 --dry-run
}

test_a_finding_is_one_row() {
	named findings accept-queue.toy 'A toy is not a client.'
	prints 'A toy waits in the queue' "$new" check --quick --probe accept-queue
	prints 'accept-queue.toy: A toy waits' "$new" check --quick --probe accept-queue --format line
}

test_a_counter_a_symptom_a_directive_and_a_myth_are_one_row_each() {
	named counters TcpExt.TCPToys 'Toys that were lost.'
	named symptoms ETOYS 'A toy broke.'
	prints 'A toy broke.' "$new" explain the toy 9 is broken
	named directives toys_max 'Toys at one time.'
	named myths toys-everywhere 'More toys are more fun.'
	expect any "$new" check --quick --probe myths --format json
	json '[.findings[] | select(.id == "knob.myth") | .title] | any(contains("scatters toys"))'
}

test_a_format_of_a_report_is_one_file_and_one_line_in_formats_def() {
	prints 'tally: 1 walls' "$new" check --quick --probe toy --format tally
	prints ', tally for toys of all kinds and sizes ' sh -c '"$0" check --help | tr -s " \n" " "' "$new"
	[ -z "$("$new" check --help | grep '.\{81\}')" ] || fail 'the help is wider than 80 columns'
	prints ', tally' "$new" check --format yaml
	matches "$shared/bash" "--format\) values='[^']* tally'"
}

test_a_command_with_its_options_is_one_file_and_one_line_in_commands_def() {
	prints '--toys N            toys of the pile (30)' "$new" pile --help
	prints '--of KIND           what they are: blocks (default) or bears' "$new" pile --help
	prints '30 blocks' "$new" pile
	prints '1000 neat bears' "$new" pile --of bears --neat --toys=1k
	prints '--toys: ' "$new" pile --toys 1001
	prints 'pile: unknown option "--neet"; did you mean --neat?' "$new" pile --neet
	prints '--of: "bear" is not one of blocks, bears' "$new" pile --of bear
	prints 'pile: unexpected argument "more"' "$new" pile more
	contains "$shared/bash" pile
	contains "$shared/zsh" "'pile:Pile toys'"
}

test_a_bench_is_one_file_and_one_line_in_benches_def() {
	prints ', roll' "$new" bench --help
	expect 0 "$new" bench roll --runs 3 --format json
	json '[.results[] | select(.bench == "roll") | .variant, .median] == ["wood", 300, "steel", 100]' \
		'.notes | any(. == "roll: steel rolls farther")'
	expect 0 "$new" bench roll --runs 2 --variant steel --format json
	json '[.results[].variant] == ["steel"]'
	prints 'bench roll has no variant "glass"' "$new" bench roll --variant glass
	contains "$shared/bash" roll
}

test_another_wording_is_one_place() {
	for format in text json line; do
		prints "$new_title" "$new" check --sysroot "$root/tests/hosts/debian-12-6.1" --format $format
	done
	named findings descriptors.process.soft-limit "$new_meaning"
	! grep -aqF -e "$old_title" -e "$old_meaning" "$new" "$page" || fail 'the old wording is left'
}

test_another_verdict_is_one_pure_function_and_its_table_of_cases_sees_it() {
	expect 0 "$copy/$table"
	cp "$copy/src/judge/backlog.c" before
	sed -i '/^void backlog_bound(/,/^}/ s/ + 1;/ + 2;/' "$copy/src/judge/backlog.c"
	! cmp -s "$copy/src/judge/backlog.c" before || fail 'backlog_bound() has no " + 1;"'
	make_copy "$table"
	expect any env CMOCKA_MESSAGE_OUTPUT=TAP "$copy/$table"
	[ $status -ne 0 ] || fail 'the table passes with a wrong bound'
	matches out '^not ok [0-9]+ - each_row'
}

run_tests "$@"
