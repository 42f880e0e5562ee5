#include "commands/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>

#include "engine/crew.h"
#include "engine/driver.h"
#include "report/bench_render.h"
#include "report/render.h"
#include "report/utf8.h"
#include "tune/executor.h"
#include "tune/notice.h"
#include "tune/state.h"

static const struct option_row no_options[] = {{0}};

/* clang-format off */
/* Of every command that takes a target. */
#define TARGET_OPTIONS \
	{"target", "NAME", "@targets", "a load to be ready for: c10k (default), c100k, c1m"}, \
	{"connections", "N", NULL, "connections open at a time (10k)"}, \
	{"rate", "N", NULL, "new connections a second (10k)"}, \
	{"stall", "TIME", NULL, "longest pause of the server between two accepts (100ms)"}, \
	{"rtt", "TIME", NULL, "round trip to the clients (50ms)"}, \
	{"bandwidth", "RATE", NULL, "of one connection (100mbit)"}, \
	{"role", "ROLE", "server,proxy", "server accepts (default), proxy also connects out"}

/* Of those that run the probes. */
#define PROBE_OPTIONS \
	{"backlog", "N", NULL, "what your application passes to listen()"}, \
	{"window", "TIME", NULL, "watch the interfaces for so long at least (500ms)"}, \
	{"probe", "NAME,…", "@probes", "run only these"}, \
	{"in-place", NULL, NULL, "loopback of this namespace instead of a private lab"}

/* Of those that read or write the journal. */
#define STATE_DIR_OPTION \
	{"state-dir", "DIR", "@directories", "the journal's directory (" STATE_DIR ")"}
/* clang-format on */

static const struct option_row check_options[] = {
	TARGET_OPTIONS,
	PROBE_OPTIONS,
	{"format", "FORMAT", RENDER_REPORT_FORMATS,
	 "text (default), json; line, for monitoring plugins"},
	{"verbose", NULL, NULL, "tell what each wall and note is about"},
	{"output", "FILE", "@files", "write the report there, by rename"},
	{"sysroot", "DIR", "@directories", "inspect a captured machine"},
	{"no-proof", NULL, NULL, "do not try the proposed values"},
	{"quick", NULL, NULL, "inspect only, no experiment"},
	{"measured", NULL, NULL, "exit status 3 unless every wall was measured"},
	{"color", "WHEN", "auto,always,never", "auto (default) heeds the terminal and NO_COLOR"},
	{0},
};

static const struct option_row explain_options[] = {
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	{"sysroot", "DIR", "@directories", "read a captured machine"},
	{0},
};

static const struct option_row list_options[] = {
	{"nic", NULL, NULL, "interfaces instead: rings, queues, NAPI, softnet"},
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	{"sysroot", "DIR", "@directories", "read a captured machine"},
	{0},
};

static const struct option_row bench_options[] = {
	{"runs", "N", NULL, "interleaved rounds (5)"},
	{"quick", NULL, NULL, "fewer and shorter rounds, smaller sizes"},
	{"variant", "NAME,…", NULL, "only these variants"},
	{"connections", "N", NULL, "of hold and request; of wait: its largest size"},
	{"format", "FORMAT", BENCH_RENDER_FORMATS, "text (default), json or csv"},
	{"output", "FILE", "@files", "write the figures there, by rename"},
	{"svg", "FILE", "@files", "draw them there too, as curves and bars"},
	{"in-place", NULL, NULL, "loopback of this namespace instead of a private lab"},
	{"color", "WHEN", "auto,always,never", "auto (default) heeds the terminal and NO_COLOR"},
	{0},
};

static const struct option_row path_options[] = {
	{"rtt", "TIME", NULL, "round trip, up to 1s (50ms)"},
	{"bandwidth", "RATE", NULL, "of the path, each way (as fast as the machine)"},
	{"loss", "SHARE", NULL, "of the packets, such as 0.1%"},
	{"seed", "N", NULL, "of the losses, so that they repeat (1)"},
	{"server", "COMMAND", NULL, "run by sh on the server's host"},
	{"client", "COMMAND", NULL, "run by sh on the client's host"},
	{"set", "KNOB=VALUE,…", NULL, "on both hosts, instead of this host's values"},
	{0},
};

static const struct option_row apply_options[] = {
	{"from", "FILE", "@files", "a report of check --format json instead of a fresh check"},
	{"foreign", NULL, NULL, "the report may be of another machine or boot"},
	{"tight", NULL, NULL, "walls that are tight lead to changes too"},
	{"only", "KNOB,…", "@knobs", "change only these"},
	{"except", "KNOB,…", "@knobs", "leave these alone"},
	{"set", "KNOB=VALUE,…", NULL, "values of your own choice, through the same safety"},
	{"allow-lower", NULL, NULL, "--set may lower a value"},
	{"allow-link-reset", NULL, NULL, "an interface may lose its link for a moment"},
	{"dry-run", NULL, NULL, "show the plan, change nothing"},
	{"format", "FORMAT", EXECUTOR_PREVIEWS,
	 "text (default), json; with --dry-run sysctl, shell"},
	{"yes", NULL, NULL, "do not ask, as without a terminal"},
	{"confirm", "TIME", NULL, "take it back unless epolltune confirm comes in time"},
	{"persist", NULL, NULL, "write it below /etc too, for the next boot"},
	{"no-proof", NULL, NULL, "do not check again afterwards"},
	TARGET_OPTIONS,
	PROBE_OPTIONS,
	STATE_DIR_OPTION,
	{"color", "WHEN", "auto,always,never", "auto (default) heeds the terminal and NO_COLOR"},
	{0},
};

static const struct option_row confirm_options[] = {
	{"persist", NULL, NULL, "write what the run changed below /etc too"},
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	STATE_DIR_OPTION,
	{"color", "WHEN", "auto,always,never", "auto (default) heeds the terminal and NO_COLOR"},
	{0},
};

static const struct option_row rollback_options[] = {
	{"force", NULL, NULL, "undo also what somebody else has changed since"},
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	STATE_DIR_OPTION,
	{"color", "WHEN", "auto,always,never", "auto (default) heeds the terminal and NO_COLOR"},
	{0},
};

static const struct option_row history_options[] = {
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	STATE_DIR_OPTION,
	{"color", "WHEN", "auto,always,never", "auto (default) heeds the terminal and NO_COLOR"},
	{0},
};

static const struct option_row diff_options[] = {
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	{"color", "WHEN", "auto,always,never", "auto (default) heeds the terminal and NO_COLOR"},
	{0},
};

static const struct option_row serve_options[] = {
	{"listen", "ADDRESS", NULL, "IPv4 or IPv6 address to listen at (127.0.0.1)"},
	{"port", "N", NULL, "port to listen at (7007)"},
	{"workers", "N", NULL, "processes or threads (one for each CPU)"},
	{"share", "HOW", CREW_SHARES, "reuseport (default), exclusive, leader-follower"},
	{"mode", "MODE", WORKER_MODES, "how they wait: level (default), edge, oneshot"},
	{"backlog", "N", NULL, "the argument of listen() (4096)"},
	{"close", NULL, NULL, "close each connection after the first reply"},
	{"duration", "TIME", NULL, "end by itself after that time"},
	{"quiet", NULL, NULL, "no statistics"},
	{0},
};

static const struct option_row load_options[] = {
	{"mode", "MODE", "connect,request,hold,mix", "connect, request (default), hold or mix"},
	{"connections", "N", NULL, "connections at a time (100)"},
	{"active", "N", NULL, "of mix: how many of them talk (a tenth)"},
	{"rate", "N", NULL, "operations a second (as fast as it goes)"},
	{"duration", "TIME", NULL, "how long (5s)"},
	{"depth", "N", NULL, "requests under way on each connection (1)"},
	{"size", "SIZE", NULL, "bytes of a request (64)"},
	{"close", "WHO", DRIVER_CLOSES, "who closes: reset (by the client), client, server"},
	{"from", "ADDRESS,…", NULL, "source addresses, in turn"},
	{"workers", "N", NULL, "processes (one for each CPU, more where needed)"},
	{"remote", NULL, NULL, "allow an address that is not this machine's"},
	{"format", "FORMAT", BENCH_RENDER_FORMATS, "text (default), json or csv"},
	{"output", "FILE", "@files", "write the figures there, by rename"},
	{"color", "WHEN", "auto,always,never", "auto (default) heeds the terminal and NO_COLOR"},
	{0},
};

const struct command command_table[] = {
	{"check", "", "Measure where the limits of this machine stand for a load", check_options,
	 command_check},
	{"apply", "", "Change what check asks for, prove it, or take it back", apply_options,
	 command_apply},
	{"confirm", "", "Keep what apply --confirm changed", confirm_options, command_confirm},
	{"rollback", "[RUN]", "Take the changes of a run back, the newest first", rollback_options,
	 command_rollback},
	{"history", "[RUN]", "List what was changed, by whom, and what became of it",
	 history_options, command_history},
	{"diff", "A.json B.json", "Show two reports of check or bench side by side", diff_options,
	 command_diff},
	{"explain", "KNOB|FINDING|WALL|PROBE|MYTH|GUIDE ...",
	 "Tell what a knob, finding, wall, probe, myth or guide is", explain_options,
	 command_explain},
	{"list", "[probes|walls|knobs|findings|myths|guides]",
	 "List the probes, the walls and the knobs with their values here", list_options,
	 command_list},
	{"serve", "", "Run the epoll test server, to point any client at", serve_options,
	 command_serve},
	{"load", "ADDRESS:PORT", "Load a server: connects, requests, or many connections held",
	 load_options, command_load},
	{"bench", "[BENCH ...]", "Measure connects, requests, waits and memory of epoll servers",
	 bench_options, command_bench},
	{"path", "[COMMAND]", "Run your client and server over a path of any round trip",
	 path_options, command_path},
	{"version", "", "Print the versions of the program, its libraries and the kernel",
	 no_options, command_version},
	{"completion", "bash|zsh", "Print a completion script for a shell", no_options,
	 command_completion},
	{"help", "[COMMAND]", "Print this help, or that of a command", no_options,
	 command_help_command},
};
const size_t command_table_size = sizeof(command_table) / sizeof(command_table[0]);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_table_size; i++)
		if (strcmp(command_table[i].name, name) == 0)
			return &command_table[i];
	return NULL;
}

int command_error(const struct err *e)
{
	/* What can still be written comes first; a failure to write is told once. */
	fflush(stdout);
	__fpurge(stdout);
	clearerr(stdout);
	fprintf(stderr, "epolltune: %s\n", e->text);
	return EXIT_UNKNOWN;
}

static const struct command *find_or_tell(const char *name)
{
	const struct command *c = command_find(name);
	if (c)
		return c;
	struct err e;
	char nearest[VALUE_SIZE];
	if (values_nearest("@commands", name, nearest))
		err_set(&e, EINVAL, "unknown command \"%s\"; did you mean %s?", name, nearest);
	else
		err_set(&e, EINVAL, "unknown command \"%s\"; epolltune --help lists them", name);
	command_error(&e);
	return NULL;
}

static int help(void)
{
	printf("Usage: epolltune COMMAND [options]\n\n"
	       "Finds the kernel and process limits that an epoll server meets on this host, by\n"
	       "experiment, and says which value would do.\n\nCommands:\n");
	for (size_t i = 0; i < command_table_size; i++)
		printf("  %-12s %s\n", command_table[i].name, command_table[i].summary);
	printf("\nepolltune COMMAND --help tells the options of a command, man epolltune more.\n"
	       "Exit status: 0 all is well, 1 warning, 2 critical, 3 could not tell.\n");
	return EXIT_OK;
}

static void print_option(const char *name, const char *argument, const char *text)
{
	char raw[64], left[64];
	snprintf(raw, sizeof(raw), "--%s%s%s", name, argument ? " " : "", argument ? argument : "");
	if (render_style_for(stdout, "never").utf8)
		utf8_copy(left, sizeof(left), raw);
	else
		utf8_copy_ascii(left, sizeof(left), raw);
	size_t columns = utf8_length(left);
	printf("  %s%*s%s\n", left, columns < 19 ? 20 - (int)columns : 1, "", text);
}

#define HELP_WIDTH 80

struct words {
	char text[HELP_WIDTH];
	size_t used; /* what they take, whether they fit or not */
};

static int word_add(const char *word, void *arg)
{
	struct words *w = arg;
	size_t before = w->used;
	w->used += strlen(word) + (before ? 2 : 0);
	if (w->used < sizeof(w->text))
		snprintf(w->text + before, sizeof(w->text) - before, "%s%s", before ? ", " : "",
			 word);
	return 0;
}

/* What an operand may be, where that is told in a line. */
static void print_operand(const char *arguments)
{
	char word[VALUE_SIZE];
	arguments += strspn(arguments, "[");
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(arguments, "]|. "), arguments);
	const char *values = values_of_operand(word);
	struct words w = {0};
	if (values && arguments[strlen(word)] != '|')
		values_each(values, word_add, &w);
	if (w.used && strlen(word) + 2 + w.used < sizeof(w.text))
		printf("%s: %s\n\n", word, w.text);
}

int command_help(const struct command *c)
{
	printf("Usage: epolltune %s%s%s%s\n\n%s.\n\n", c->name,
	       c->options[0].name ? " [options]" : "", c->arguments[0] ? " " : "", c->arguments,
	       c->summary);
	print_operand(c->arguments);
	printf("Options:\n");
	for (const struct option_row *row = c->options; row->name; row++)
		print_option(row->name, row->argument, row->help);
	print_option("help", NULL, "this text");
	return EXIT_OK;
}

int command_help_command(int argc, char **argv)
{
	struct err e = {0};
	const char *value;
	struct options o = options_begin("help", argc, argv);
	while (options_next(&o, &value, &e))
		;
	if (e.code)
		return command_error(&e);
	if (o.help)
		return command_help(o.command);
	if (o.next == argc)
		return help();
	const struct command *c = find_or_tell(argv[o.next]);
	return c ? command_help(c) : EXIT_UNKNOWN;
}

int command_main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: epolltune COMMAND [options]; epolltune --help lists the "
				"commands\n");
		return EXIT_UNKNOWN;
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help();
	if (strcmp(name, "--version") == 0)
		name = "version";
	if (name[0] == '-') {
		struct err e;
		err_set(&e, EINVAL,
			"unknown option \"%s\"; a command comes first, epolltune --help "
			"lists them",
			name);
		return command_error(&e);
	}
	const struct command *c = find_or_tell(name);
	if (!c)
		return EXIT_UNKNOWN;
	/* Those that answer it need not say it; a completion script is no place for it. */
	if (c->run != command_rollback && c->run != command_confirm && c->run != command_completion)
		notice_unfinished(STATE_DIR);
	return c->run(argc - 1, argv + 1);
}

int color_wanted(const char *when) { return render_style_for(stdout, when).color; }
