#include "commands/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>

#include "epolltune/client.h"
#include "epolltune/server.h"
#include "report/bench_render.h"
#include "report/render.h"
#include "report/utf8.h"
#include "tune/executor.h"
#include "tune/notice.h"
#include "tune/state.h"

static const struct option_row no_options[] = {{0}};

/* clang-format off */
/* Commands that take a target. */
#define TARGET_OPTIONS \
	{"target", "NAME", "@targets", "target load: c10k (default), c100k or c1m"}, \
	{"connections", "N", NULL, "concurrent connections (10k)"}, \
	{"rate", "N", NULL, "new connections per second (10k)"}, \
	{"stall", "TIME", NULL, "longest pause between two accepts (100ms)"}, \
	{"rtt", "TIME", NULL, "round-trip time to the clients (50ms)"}, \
	{"bandwidth", "RATE", NULL, "bandwidth of each connection (100mbit)"}, \
	{"role", "ROLE", "server,proxy", "server (default) accepts; proxy also connects out"}

/* Commands that run the probes. */
#define PROBE_OPTIONS \
	{"server", "WHO", NULL, "judge this server: pid, unit, [ADDRESS]:PORT, unix:PATH, name"}, \
	{"backlog", "N", NULL, "backlog that the application passes to listen()"}, \
	{"window", "TIME", NULL, "watch the interfaces for at least TIME (500ms)"}, \
	{"probe", "NAME,…", "@probes", "run only these probes"}, \
	{"in-place", NULL, NULL, "use this namespace's loopback, not a private lab"}, \
	{"gentle", NULL, NULL, "lowest priority, one CPU, bounded rates: beside a server in use"}

/* Commands that read or write the journal. */
#define STATE_DIR_OPTION \
	{"state-dir", "DIR", "@directories", "journal directory (" STATE_DIR ")"}

#define COLOR_OPTION \
	{"color", "WHEN", "auto,always,never", "colour output: auto (default), always or never"}
/* clang-format on */

static const struct option_row check_options[] = {
	TARGET_OPTIONS,
	PROBE_OPTIONS,
	{"format", "FORMAT", RENDER_REPORT_FORMATS, RENDER_REPORT_FORMATS_HELP},
	{"verbose", NULL, NULL, "explain each wall and note"},
	{"output", "FILE", "@files", "write the report to FILE, atomically"},
	{"since", "FILE", "@files", "compare the counters with this earlier report"},
	{"sysroot", "DIR", "@directories", "inspect the machine captured in DIR"},
	{"netns", "PATH|PID", NULL, "check another network namespace"},
	{"no-proof", NULL, NULL, "do not try the proposed values"},
	{"quick", NULL, NULL, "inspect only, run no experiments"},
	{"measured", NULL, NULL, "exit with 3 unless every due experiment was run"},
	COLOR_OPTION,
	{0},
};

static const struct option_row explain_options[] = {
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	{"sysroot", "DIR", "@directories", "read the machine captured in DIR"},
	{0},
};

static const struct option_row list_options[] = {
	{"nic", NULL, NULL, "list interfaces: rings, queues, NAPI, softnet"},
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	{"sysroot", "DIR", "@directories", "read the machine captured in DIR"},
	{0},
};

static const struct option_row bench_options[] = {
	{"runs", "N", NULL, "number of interleaved rounds (5)"},
	{"quick", NULL, NULL, "fewer and shorter rounds, smaller sizes"},
	{"variant", "NAME,…", NULL, "run only these variants"},
	{"connections", "N", NULL, "connections of hold and request, largest size of wait"},
	{"format", "FORMAT", BENCH_RENDER_FORMATS, "text (default), json or csv"},
	{"output", "FILE", "@files", "write the figures to FILE, atomically"},
	{"svg", "FILE", "@files", "also draw the figures into FILE, as SVG"},
	{"in-place", NULL, NULL, "use this namespace's loopback, not a private lab"},
	COLOR_OPTION,
	{0},
};

static const struct option_row path_options[] = {
	{"rtt", "TIME", NULL, "round-trip time, up to 1s (50ms)"},
	{"bandwidth", "RATE", NULL, "bandwidth in each direction (unlimited)"},
	{"loss", "SHARE", NULL, "packet loss ratio, such as 0.1%"},
	{"seed", "N", NULL, "seed for the loss generator (1)"},
	{"server", "COMMAND", NULL, "shell command to run on the server's host"},
	{"client", "COMMAND", NULL, "shell command to run on the client's host"},
	{"set", "KNOB=VALUE,…", NULL, "sysctls of both hosts (this host's values)"},
	{0},
};

static const struct option_row apply_options[] = {
	{"from", "FILE", "@files", "apply this report of check --format json"},
	{"foreign", NULL, NULL, "accept a report of another machine or boot"},
	{"tight", NULL, NULL, "include tight walls"},
	{"only", "KNOB,…", "@knobs", "change only these knobs"},
	{"except", "KNOB,…", "@knobs", "do not change these knobs"},
	{"set", "KNOB=VALUE,…", NULL, "set these values, with the same checks"},
	{"allow-lower", NULL, NULL, "let --set lower a value"},
	{"allow-link-reset", NULL, NULL, "allow changes that reset the link of an interface"},
	{"dry-run", NULL, NULL, "print the plan, change nothing"},
	{"format", "FORMAT", EXECUTOR_PREVIEWS,
	 "text (default) or json; with --dry-run sysctl or shell"},
	{"yes", NULL, NULL, "apply without asking"},
	{"confirm", "TIME", NULL, "roll back unless confirmed within TIME"},
	{"persist", NULL, NULL, "also write the values below /etc, for the next boot"},
	{"no-proof", NULL, NULL, "do not verify the changes by a second check"},
	TARGET_OPTIONS,
	PROBE_OPTIONS,
	STATE_DIR_OPTION,
	COLOR_OPTION,
	{0},
};

static const struct option_row confirm_options[] = {
	{"persist", NULL, NULL, "also write the run's values below /etc"},
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	STATE_DIR_OPTION,
	COLOR_OPTION,
	{0},
};

static const struct option_row rollback_options[] = {
	{"force", NULL, NULL, "also restore values modified since the run"},
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	STATE_DIR_OPTION,
	COLOR_OPTION,
	{0},
};

static const struct option_row history_options[] = {
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	STATE_DIR_OPTION,
	COLOR_OPTION,
	{0},
};

static const struct option_row diff_options[] = {
	{"format", "FORMAT", RENDER_FORMATS, "text (default) or json"},
	COLOR_OPTION,
	{0},
};

static const struct option_row serve_options[] = {
	{"listen", "ADDRESS", NULL, "IPv4 or IPv6 address to listen on (127.0.0.1)"},
	{"port", "N", NULL, "TCP port to listen on (7007)"},
	{"workers", "N", NULL, "number of processes or threads (one per CPU)"},
	{"share", "HOW", SERVER_SHARES, "reuseport (default), exclusive or leader-follower"},
	{"mode", "MODE", SERVER_MODES, "epoll mode: level (default), edge or oneshot"},
	{"backlog", "N", NULL, "backlog passed to listen() (4096)"},
	{"close", NULL, NULL, "close each connection after the first reply"},
	{"duration", "TIME", NULL, "exit after TIME"},
	{"quiet", NULL, NULL, "print no statistics"},
	{0},
};

static const struct option_row load_options[] = {
	{"mode", "MODE", "connect,request,hold,mix", "connect, request (default), hold or mix"},
	{"connections", "N", NULL, "concurrent connections (100)"},
	{"active", "N", NULL, "with mix: connections that send requests (a tenth)"},
	{"rate", "N", NULL, "operations per second (default: closed loop)"},
	{"duration", "TIME", NULL, "length of the run (5s)"},
	{"depth", "N", NULL, "outstanding requests per connection (1)"},
	{"size", "SIZE", NULL, "request size (64)"},
	{"close", "WHO", CLIENT_CLOSES, "who closes: reset (default), client or server"},
	{"from", "ADDRESS,…", NULL, "source addresses, used in turn"},
	{"workers", "N", NULL, "number of processes (one per CPU, or more)"},
	{"remote", NULL, NULL, "allow an address of another machine"},
	{"format", "FORMAT", BENCH_RENDER_FORMATS, "text (default), json or csv"},
	{"output", "FILE", "@files", "write the figures to FILE, atomically"},
	COLOR_OPTION,
	{0},
};

const struct command command_table[] = {
	{"check", "", "Measure the limits of this machine against a target load", check_options,
	 command_check},
	{"apply", "", "Apply the recommended settings, verify them, roll back on failure",
	 apply_options, command_apply},
	{"confirm", "", "Keep the changes of apply --confirm", confirm_options, command_confirm},
	{"rollback", "[RUN]", "Roll back the changes of a run, by default the newest",
	 rollback_options, command_rollback},
	{"history", "[RUN]", "List the runs of apply: what they changed and their state",
	 history_options, command_history},
	{"diff", "A.json B.json", "Compare two reports of check or bench", diff_options,
	 command_diff},
	{"explain", "NAME ...", "Explain a knob, finding, wall or any other name that list prints",
	 explain_options, command_explain},
	{"list", "[KIND]", "List probes, walls, and knobs with their current values", list_options,
	 command_list},
	{"serve", "", "Run the epoll test server, which echoes what clients send", serve_options,
	 command_serve},
	{"load", "ADDRESS:PORT", "Load an echo server with connections and requests", load_options,
	 command_load},
	{"bench", "[BENCH ...]", "Benchmark connects, requests, waits and memory of epoll",
	 bench_options, command_bench},
	{"path", "[COMMAND]", "Run your client and server over an emulated network path",
	 path_options, command_path},
	{"version", "", "Print the versions of epolltune, its libraries and the kernel", no_options,
	 command_version},
	{"completion", "bash|zsh", "Print a shell completion script", no_options,
	 command_completion},
	{"help", "[COMMAND]", "Print the list of commands, or the help of one", no_options,
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
	/* Flush what can be written; report a write error once. */
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
		err_set(&e, EINVAL, "unknown command \"%s\"; see epolltune --help", name);
	command_error(&e);
	return NULL;
}

static int help(void)
{
	printf("Usage: epolltune COMMAND [options]\n\n"
	       "Finds the kernel and process limits of an epoll server by experiment, and\n"
	       "proposes values for a target load.\n\nCommands:\n");
	for (size_t i = 0; i < command_table_size; i++)
		printf("  %-12s %s\n", command_table[i].name, command_table[i].summary);
	printf("\nRun 'epolltune COMMAND --help' for options; see epolltune(1).\n"
	       "Exit status: 0 ok, 1 warning, 2 critical, 3 unknown: an error, or no verdict.\n");
	return EXIT_OK;
}

void print_wrapped(const char *text, size_t indent, size_t width)
{
	size_t column = indent;
	while (*text) {
		size_t word = strcspn(text, " ");
		if (column > indent && column + 1 + word > width) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		printf("%.*s", (int)word, text);
		column += word;
		text += word;
		text += strspn(text, " ");
	}
	putchar('\n');
}

#define HELP_WIDTH 80
#define HELP_COLUMN 22 /* of the text of an option */

static void print_option(const char *name, const char *argument, const char *text)
{
	char raw[64], left[64];
	snprintf(raw, sizeof(raw), "--%s%s%s", name, argument ? " " : "", argument ? argument : "");
	if (render_style_for(stdout, "never").utf8)
		utf8_copy(left, sizeof(left), raw);
	else
		utf8_copy_ascii(left, sizeof(left), raw);
	size_t columns = utf8_length(left);
	int blanks = columns + 3 < HELP_COLUMN ? HELP_COLUMN - 2 - (int)columns : 1;
	printf("  %s%*s", left, blanks, "");
	print_wrapped(text, HELP_COLUMN, HELP_WIDTH);
}

struct words {
	char text[HELP_WIDTH];
	size_t used; /* length of all words, even if they do not fit */
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

/* Print the values of an operand if they fit on one line. */
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
	printf("Options%s:\n", c->options[0].name ? " (defaults in parentheses)" : "");
	for (const struct option_row *row = c->options; row->name; row++)
		print_option(row->name, row->argument, row->help);
	print_option("help", NULL, "print this help");
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
		fprintf(stderr, "usage: epolltune COMMAND [options]; see epolltune --help\n");
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
			"unknown option \"%s\" before the command; see epolltune --help", name);
		return command_error(&e);
	}
	const struct command *c = find_or_tell(name);
	if (!c)
		return EXIT_UNKNOWN;
	/* apply prints it itself; rollback and confirm resolve it; completion is run by shells. */
	if (c->run != command_apply && c->run != command_rollback && c->run != command_confirm &&
	    c->run != command_completion)
		notice_unfinished(STATE_DIR);
	return c->run(argc - 1, argv + 1);
}

int color_wanted(const char *when) { return render_style_for(stdout, when).color; }
