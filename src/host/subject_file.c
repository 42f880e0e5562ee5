/* What a capture says of the server whose limits it has, as text. */
#include "host/subject_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/connections.h"
#include "host/capture.h"
#include "host/listener_file.h"
#include "host/machine.h"

/* The numbers, each behind its name. */
#define NUMBERS(number)                                                                            \
	"pid " number "\naccepting " number "\nheld " number "\nupstream " number                  \
	"\nunshown " number "\nforks " number "\nactivated " number "\nmanager " number "\n"
#define COUNT 8

/* Of its listeners. */
#define KINDS (1u << LISTENER_TCP | 1u << LISTENER_UNIX | 1u << LISTENER_UDP)

#define AT(field) offsetof(struct subject, field)

/* Further ones, each on a line, which older captures lack; 0 where there is none. */
static const struct {
	const char *name;
	size_t at;
} numbers[] = {
	{"opened", AT(opened)},
	{"threads", AT(then.threads)},
	{"processes", AT(then.processes)},
	{"memory", AT(then.memory)},
	{"open", AT(then.open)},
	{"accepted", AT(then.accepted)},
	{"heard", AT(then.heard)},
	{"left", AT(then.left)},
	{"drained", AT(drained.open)},
	{"drained-left", AT(drained.left)},
	{"drained-others", AT(drained.others)},
	{"outside-used", AT(outside.used)},
	{"outside-max", AT(outside.max)},
	{"outside-rest", AT(outside.rest_s)},
	{"outside-udp-rest", AT(outside.udp_rest_s)},
};
#define NUMBERS_COUNT (sizeof(numbers) / sizeof(*numbers))

static uint64_t number_of(const struct subject *s, size_t i)
{
	uint64_t n;
	memcpy(&n, (const char *)s + numbers[i].at, sizeof(n));
	return n;
}

static struct subject_then then_read(const struct host *h, const struct subject *s)
{
	struct subject_then then = {.threads = subject_accept_threads(h, s)};
	struct subject_open open;
	CLEAN(free_pointer) struct connections *c = calloc(1, sizeof(*c));
	if (!subject_open_read(h, s, &open, NULL))
		then.processes = open.processes;
	subject_memory_read(h, s, &then.memory, NULL);
	if (c && !connections_read_subject(h, s, c, NULL)) {
		then.open = c->open;
		then.accepted = c->accepted;
		then.heard = c->heard;
		then.left = c->left;
	}
	return then;
}

enum { ASIDE = 1, USED = 2, PAUSED = 4 };

static unsigned flags_of(const struct listener *l)
{
	return (l->aside ? ASIDE : 0u) | (l->used ? USED : 0u) | (l->paused ? PAUSED : 0u);
}

static bool is_any(const struct process *p) { return true; }

/* NULL: no memory. */
static char *subject_file_text(const struct subject *s)
{
	char *text = NULL, unit[TEXT_FIELD], name[TEXT_FIELD];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fprintf(out, NUMBERS("%u") "unit %s\nname %s\n", (unsigned)s->pid, (unsigned)s->accepting,
		(unsigned)s->held, (unsigned)s->upstream, s->unshown, s->forks, s->activated,
		(unsigned)s->manager, text_field(s->unit, unit), text_field(s->name, name));
	for (size_t i = 0; i < NUMBERS_COUNT; i++)
		if (number_of(s, i) && number_of(s, i) <= INT64_MAX) /* REPORT_NONE is negative */
			fprintf(out, "%s %" PRIu64 "\n", numbers[i].name, number_of(s, i));
	if (s->ownerless)
		fprintf(out, "ownerless 1\n");
	if (s->veiled)
		fprintf(out, "veiled %zu\n", s->veiled);
	if (s->cut)
		fprintf(out, "cut %u\n", s->cut);
	if (s->turns)
		fprintf(out, "turns 1\n");
	if (s->threaded)
		fprintf(out, "threaded 1\n");
	if (s->may_hand)
		fprintf(out, "may-hand 1\n");
	if (s->program[0])
		fprintf(out, "program %s\n", s->program);
	if (s->in_turns)
		fprintf(out, "in-turns %zu\n", s->in_turns);
	for (size_t i = 0; i < s->acceptor_count; i++)
		process_line_print(out, &s->acceptors[i]);
	for (size_t i = 0; i < s->listeners.count; i++) {
		const struct listener *l = &s->listeners.at[i];
		fprintf(out, "listener %" PRIu64 " %u %u %u\n", l->cookie, l->limit, l->clients,
			flags_of(l));
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

int subject_capture(const struct host *h, const struct subject *s, struct capture *c, struct err *e)
{
	struct subject now = *s;
	CLEAN(free_pointer) struct process *acceptors = NULL;
	now.then = then_read(h, s);
	int rc = subject_acceptors(h, s, is_any, &acceptors, &now.acceptor_count, e);
	if (rc)
		return rc;
	now.acceptors = acceptors;
	CLEAN(free_pointer) char *text = subject_file_text(&now);
	if (!text)
		return err_set(e, ENOMEM, "capture: out of memory");
	const struct capture_file f = {.data = text, .size = strlen(text)};
	return capture_put(c, SUBJECT_FILE, &f, e);
}

/* One whose address and owner the list of all has. False without memory. */
static bool listener_take(const char *rest, struct listeners *l)
{
	uint64_t cookie, limit, clients, flags;
	if (!text_number(&rest, &cookie) || !cookie || !text_number(&rest, &limit) ||
	    limit > UINT32_MAX || !text_number(&rest, &clients) || clients > UINT32_MAX ||
	    !text_number(&rest, &flags))
		return true;
	struct listener *more = array_add(&l->at, &l->count, sizeof(*more));
	if (!more)
		return false;
	*more = (struct listener){.cookie = cookie,
				  .limit = (uint32_t)limit,
				  .clients = (uint32_t)clients,
				  .aside = flags & ASIDE,
				  .used = flags & USED,
				  .paused = flags & PAUSED,
				  .owner = -1};
	return true;
}

/* False without memory. */
static bool acceptor_take(char *rest, struct subject *out)
{
	struct process p = {0};
	if (!process_line_parse(rest, &p))
		return true;
	struct process *more = array_add(&out->acceptors, &out->acceptor_count, sizeof(*more));
	if (more)
		*more = p;
	return more;
}

/* Lines that are not known, as of a later version, are skipped. False without memory. */
static bool line_take(char *line, struct subject *out)
{
	char *value = strchr(line, ' ');
	uint64_t n;
	if (!strncmp(line, PROCESS_LINE, strlen(PROCESS_LINE)))
		return acceptor_take(line + strlen(PROCESS_LINE), out);
	if (!value)
		return true;
	*value++ = 0;
	if (!strcmp(line, "listener"))
		return listener_take(value, &out->listeners);
	if (!strcmp(line, "program"))
		snprintf(out->program, sizeof(out->program), "%s", value);
	const char *number = value;
	if (!text_number(&number, &n) || n > INT64_MAX)
		return true;
	if (!strcmp(line, "ownerless"))
		out->ownerless = n;
	if (!strcmp(line, "cut"))
		out->cut = (unsigned)n & KINDS;
	if (!strcmp(line, "veiled") && n <= INT32_MAX)
		out->veiled = (size_t)n;
	if (!strcmp(line, "turns"))
		out->turns = n;
	if (!strcmp(line, "threaded"))
		out->threaded = n;
	if (!strcmp(line, "may-hand"))
		out->may_hand = n;
	if (!strcmp(line, "in-turns") && n <= INT32_MAX)
		out->in_turns = (size_t)n;
	for (size_t i = 0; i < NUMBERS_COUNT; i++)
		if (!strcmp(line, numbers[i].name))
			memcpy((char *)out + numbers[i].at, &n, sizeof(n));
	return true;
}

bool subject_file_parse(char *text, struct subject *out)
{
	unsigned v[COUNT];
	int end = 0;
	*out = (struct subject){0};
	if (sscanf(text, NUMBERS("%9u") "unit%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6],
		   &v[7], &end) != COUNT ||
	    !end || text[end] != ' ' || v[COUNT - 1] > UNIT_INSIDE)
		return false;
	/* %u takes a sign, too. */
	for (size_t i = 0; i < COUNT; i++)
		if (v[i] > INT32_MAX)
			return false;
	char *rest = text + end + 1, *unit = strsep(&rest, "\n"), *name = strsep(&rest, "\n");
	if (!name || strncmp(name, "name ", strlen("name ")) != 0)
		return false;
	*out = (struct subject){
		.pid = (pid_t)v[0],
		.accepting = v[1],
		.held = v[2],
		.upstream = v[3],
		.unshown = v[4],
		.forks = v[5],
		.activated = v[6],
		.manager = (enum unit_manager)v[7],
		.outside = {.rest_s = REPORT_NONE, .udp_rest_s = REPORT_NONE},
	};
	snprintf(out->unit, sizeof(out->unit), "%s", unit);
	snprintf(out->name, sizeof(out->name), "%s", name + strlen("name "));
	for (char *line; (line = strsep(&rest, "\n"));)
		if (!line_take(line, out))
			return false;
	return true;
}

/* Its own, as the capture marks them; one that does not, by its process tree. */
static bool own_take(const struct subject *s, const struct listeners *all, struct listener *l)
{
	const struct listener *mark = listeners_find(&s->listeners, l->cookie);
	if (!s->listeners.count)
		return s->pid && !s->activated && !l->connected && l->owner >= 0 &&
		       all->processes[l->owner].root == s->pid;
	if (!mark)
		return false;
	l->limit = mark->limit;
	l->clients = mark->clients;
	l->aside = mark->aside;
	l->used = mark->used;
	l->paused = mark->paused;
	return true;
}

/* In place of the marks. */
static void listeners_take(const struct host *h, struct subject *s)
{
	struct listeners all = {0};
	size_t kept = 0;
	listener_file_read(h, KINDS, &all, NULL);
	for (size_t i = 0; i < all.count; i++)
		if (own_take(s, &all, &all.at[i]))
			all.at[kept++] = all.at[i];
	all.count = kept;
	listeners_free(&s->listeners);
	s->listeners = all;
	s->cut |= kept ? 0 : KINDS;
}

int subject_captured(const struct host *h, struct subject *out, struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	struct host_nofile limit = {0};
	*out = (struct subject){0};
	ssize_t n = host_live(h) ? -ENOENT : host_read_all(h, SUBJECT_FILE, &text, e);
	if (n < 0)
		return n == -ENOENT ? 0 : (int)n;
	if (!subject_file_parse(text, out)) {
		subject_free(out);
		*out = (struct subject){0};
		return err_set(e, EBADMSG, "the file " SUBJECT_FILE " of the capture is damaged");
	}
	if (!host_nofile(h, &limit, NULL)) {
		out->soft = limit.soft;
		out->hard = limit.hard;
	}
	listeners_take(h, out);
	return 1;
}
