/* path: run the operator's client and server on the two hosts of a lab, over an emulated path. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalogue/setting.h"
#include "commands/command.h"
#include "commands/tuning.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/host.h"
#include "epolltune/knob.h"
#include "epolltune/lab.h"
#include "epolltune/listener.h"
#include "epolltune/program.h"
#include "epolltune/quantity.h"
#include "epolltune/wire.h"

/* Timeouts for the server to listen, and to exit. */
#define LISTEN_MS 2000
#define END_MS 1000

struct path {
	struct lab_options lab;
	enum ip_family family;
	const char *server, *client; /* for sh -c */
	char **command;              /* the client's argv, instead of `client`; NULL: none */
	const char *set;
};

static int side_start(struct lab *lab, enum lab_host host, const char *shell, char **argv,
		      bool input, struct program *p, struct err *e)
{
	const struct program_config config = {
		.shell = shell, .argv = argv, .input = input, .grace_ms = END_MS};
	return program_start(p, lab, host, &config, e);
}

static int any_listener(struct host *h, void *arg, struct err *e)
{
	bool *listens = arg;
	struct listeners l;
	int rc = listeners_read(h, &l, e);
	*listens = l.count && l.at[0].kind == LISTENER_TCP;
	listeners_free(&l);
	return rc;
}

/* Wait until the server listens on TCP, or for LISTEN_MS: it may serve something else. */
static int listener_await(struct lab *lab, const struct program *server, struct err *e)
{
	char end[PROGRAM_END];
	int status;
	bool *listens = lab_alloc(lab, sizeof(*listens), e);
	if (!listens)
		return -ENOMEM;
	for (int ms = 0; ms < LISTEN_MS; ms += 20) {
		if (lab_call(lab, LAB_SERVER, any_listener, listens, NULL) || *listens)
			return 0;
		if (program_exited(server, &status) && status)
			return err_set(e, ECHILD,
				       "path: the server command %s before the client started",
				       program_end_text(server, end));
		clock_sleep_ms(20);
	}
	return 0;
}

/* Before Linux 6.11 a namespace of an ordinary user has no net.core. */
static int knob_set(struct lab *lab, enum lab_host host, const char *name, const char *value,
		    struct err *e)
{
	char now[KNOB_VALUE];
	struct err ignored;
	int rc = lab_knob_set(lab, host, name, value, e);
	if (rc != -ENOENT || lab_knob_get(lab, host, name, now, sizeof(now), &ignored) != -ENOENT)
		return rc;
	return err_set(e, ENOENT,
		       "--set %s: the lab does not have this knob: this kernel lacks it, or has it "
		       "only in network namespaces of root%s",
		       name, geteuid() ? ": run as root" : "");
}

static int knobs_set(struct lab *lab, const char *list, struct err *e)
{
	struct setting set;
	char normal[KNOB_VALUE];
	int rc;
	while ((rc = setting_next(&list, &set, e)) > 0) {
		rc = knob_check(set.knob, set.value, normal, e);
		for (enum lab_host host = LAB_SERVER; host <= LAB_CLIENT && !rc; host++)
			rc = knob_set(lab, host, set.knob->name, normal, e);
		if (rc)
			return rc;
	}
	return rc;
}

/* Checks --set before a lab is made. */
static int set_check(const char *list, struct err *e)
{
	struct setting set;
	char normal[KNOB_VALUE];
	int rc = tuning_settings(list, e);
	while (!rc && (rc = setting_next(&list, &set, e)) > 0) {
		if (set.knob->scope != KNOB_NETNS)
			return err_set(e, EINVAL,
				       "--set: %s is not a knob of a network namespace; see "
				       "epolltune list knobs",
				       set.name);
		rc = knob_check(set.knob, set.value, normal, e);
	}
	return rc;
}

/* Drop orphaned sockets soon: unsent data would pin memory and the namespaces for minutes. */
static int orphans_end(struct host *h, void *arg, struct err *e)
{
	return host_write(h, "proc/sys/net/ipv4/tcp_orphan_retries", "1", e);
}

static void print_way(const char *to, const struct wire_way *w)
{
	fprintf(stderr, "; to the %s: %s, %s", to, quantity_of(w->packets, "packet").text,
		quantity_show(QUANTITY_SIZE, w->bytes).text);
	uint64_t dropped = w->dropped + w->unread + w->refused;
	if (dropped || w->lost)
		fprintf(stderr, ", %s dropped, %s lost",
			quantity_show(QUANTITY_COUNT, dropped).text,
			quantity_show(QUANTITY_COUNT, w->lost).text);
}

/* Print the traffic of the path, and whether the emulation kept up. */
static void print_wire(const struct path *p, struct lab *lab)
{
	static const struct wire_way none[2];
	const struct wire_stats *w = lab_wire_look(lab);
	char rtt[32], bandwidth[32] = "unlimited";
	if (p->lab.bandwidth_bps)
		quantity_format(bandwidth, sizeof(bandwidth), QUANTITY_BANDWIDTH,
				p->lab.bandwidth_bps);
	fprintf(stderr, "epolltune: path: RTT %s, bandwidth %s",
		quantity_format(rtt, sizeof(rtt), QUANTITY_DURATION, p->lab.rtt_us), bandwidth);
	print_way("server", &w->way[LAB_CLIENT]);
	print_way("client", &w->way[LAB_SERVER]);
	fputc('\n', stderr);
	if (wire_limits(none, w, p->lab.rtt_us))
		fprintf(stderr,
			"epolltune: path: the emulated path fell behind; measured throughput is a "
			"lower bound\n");
}

static int print_status(const char *who, const struct program *p)
{
	char end[PROGRAM_END];
	int status;
	if (!program_exited(p, &status) || !status)
		return EXIT_OK;
	/* The exit status of shells and of a program that cannot be run. */
	bool never =
		WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127);
	if (never)
		fprintf(stderr, "epolltune: path: cannot run the %s command (status %d)\n", who,
			WEXITSTATUS(status));
	else
		fprintf(stderr, "epolltune: path: the %s command %s\n", who,
			program_end_text(p, end));
	return never ? EXIT_UNKNOWN : EXIT_CRITICAL;
}

static int path_run(const struct path *p, struct lab *lab, struct err *e)
{
	struct program programs[2] = {0}; /* by enum lab_host */
	struct program *server = &programs[LAB_SERVER], *client = &programs[LAB_CLIENT];
	int rc = knobs_set(lab, p->set, e);
	if (!rc && lab_uncopied(lab)[0])
		fprintf(stderr, "epolltune: path: not copied from this host: %s\n",
			lab_uncopied(lab));
	bool alone = !p->client && !p->command;
	if (!rc && p->server)
		rc = side_start(lab, LAB_SERVER, p->server, NULL, alone, server, e);
	if (!rc && p->server && !alone)
		rc = listener_await(lab, server, e);
	if (!rc && !alone)
		rc = side_start(lab, LAB_CLIENT, p->client, p->command, true, client, e);
	if (!rc)
		rc = program_await(alone ? server : client, e);
	lab_call(lab, LAB_CLIENT, orphans_end, NULL, NULL);
	lab_call(lab, LAB_SERVER, orphans_end, NULL, NULL);
	program_end(client);
	program_end(server);
	if (rc)
		return command_error(e);
	print_wire(p, lab);
	return alone ? print_status("server", server) : print_status("client", client);
}

/* "0.1%" or "0.001". */
static int loss_parse(const char *text, void *field, struct err *e)
{
	double *loss = field;
	char *end;
	errno = 0;
	*loss = strtod(text, &end);
	bool percent = !strcmp(end, "%");
	if (percent)
		*loss /= 100;
	if (end == text || (*end && !percent) || errno || strpbrk(text, "+-eExXnN ") ||
	    !(*loss >= 0 && *loss < 1))
		return err_set(e, EINVAL,
			       "--loss: \"%s\" is not a ratio below 1, such as 0.1%% or 0.001",
			       text);
	return 0;
}

static int path_open(const struct path *p, struct lab **lab, struct err *e)
{
	CLEAN(host_closep) struct host *host = NULL;
	int rc = host_open(&host, "/", e);
	/* An interrupt is for the commands; epolltune exits after them. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	struct lab_options options = p->lab;
	options.ipv6 =
		p->family == FAMILY_OF_HOST ? host_family(host) == AF_INET6 : p->family == FAMILY_6;
	return rc ? rc : lab_open(lab, &options, host, e);
}

static int path(void *arguments, const struct given *given)
{
	struct path *p = arguments;
	struct err e = {0};
	if (given->count)
		p->command = given->operands;
	if (p->client && p->command)
		err_set(&e, EINVAL, "path: --client and COMMAND exclude each other");
	else if (!p->client && !p->command && !p->server)
		err_set(&e, EINVAL, "path: nothing to run; give --server, --client or -- COMMAND");
	else
		set_check(p->set, &e);
	if (e.code)
		return command_error(&e);
	struct lab *lab = NULL;
	if (path_open(p, &lab, &e))
		return command_error(&e);
	int status = path_run(p, lab, &e);
	lab_close(lab);
	return status;
}

#define AT(member) OPTION_AT(struct path, member)

static const struct option_row options[] = {
	{"rtt", "TIME", "round-trip time, up to 1s", AT(lab.rtt_us), NUMBER(DURATION, 1, 1000000)},
	{"bandwidth", "RATE", "bandwidth in each direction (unlimited)", AT(lab.bandwidth_bps),
	 NUMBER(BANDWIDTH, 1000, 100000000000u)},
	{"loss", "SHARE", "packet loss ratio, such as 0.1%", AT(lab.loss), PARSED(loss_parse)},
	{"seed", "N", "seed for the loss generator", AT(lab.seed), NUMBER(COUNT, 1, INT64_MAX)},
	FAMILY_OPTION(AT(family)),
	{"server", "COMMAND", "shell command to run on the server's host", AT(server), TEXT(NULL)},
	{"client", "COMMAND", "shell command to run on the client's host", AT(client), TEXT(NULL)},
	{"set", "KNOB=VALUE,…", "sysctls of both hosts (this host's values)", AT(set), LIST(NULL)},
	{0},
};

static const struct path defaults = {
	.lab = {.wire = LAB_WIRE_DELAY,
		.rtt_us = 50000,
		.seed = 1,
		.files = true,
		.writable = true},
};

const struct command path_command = {
	.name = "path",
	.arguments = "[COMMAND]",
	.summary = "Run your client and server over an emulated network path",
	.options = options,
	.defaults = &defaults,
	.size = sizeof(defaults),
	.run = path,
};
