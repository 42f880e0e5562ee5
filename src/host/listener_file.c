/* The listeners of a capture as text. */
#include "host/listener_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "host/machine.h"

static const char *const names[] = {
	[LISTENER_TCP] = "tcp", [LISTENER_UNIX] = "unix", [LISTENER_UDP] = "udp"};

static int kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

void process_line_print(FILE *out, const struct process *p)
{
	char a[TEXT_FIELD], b[TEXT_FIELD], c[TEXT_FIELD];
	fprintf(out,
		PROCESS_LINE "%d\t%d\t%" PRIu64 "\t%d\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
			     "\t%s\t%s\t%s\t%d\t%" PRIu64 "\t%d\t%d\n",
		(int)p->pid, (int)p->root, p->started, p->state, p->soft, p->hard, p->open,
		text_field(p->name, a), text_field(p->unit, b), text_field(p->waits_in, c),
		p->manager, p->threads, p->alike, p->own);
}

char *listener_file_text(const struct listeners *l)
{
	char *text = NULL, address[TEXT_FIELD];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	fprintf(out, "counted\t%d\thidden\t%d\tunlisted\t%u\tcut\t%d\tapart\t%d\tunheld\t%d\n",
		l->counted, l->hidden, l->unlisted, l->cut, l->apart, l->unheld);
	for (size_t i = 0; i < l->process_count; i++)
		process_line_print(out, &l->processes[i]);
	for (size_t i = 0; i < l->count; i++) {
		const struct listener *x = &l->at[i];
		fprintf(out,
			"%s\t%u\t%u\t%u\t%u\t%u\t%" PRIu64 "\t%" PRIu64
			"\t%u\t%d\t%d\t%s\t%d\t%d\t%u\t%u\n",
			names[x->kind], x->port, x->depth, x->limit, x->drops, x->half_open,
			x->inode, x->cookie, x->uid, x->owner, x->v6only,
			text_field(x->address, address), x->systemd, x->connected,
			x->receive_buffer, x->send_buffer);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* The next field as a number up to `max`; false: it is none. */
static bool number(char **rest, uint64_t max, uint64_t *out)
{
	const char *text = strsep(rest, "\t");
	return text && text_number(&text, out) && *out <= max;
}

static void text_take(char **rest, char *out, size_t size)
{
	const char *text = strsep(rest, "\t");
	snprintf(out, size, "%s", text ? text : "");
}

/* What a capture that does not say it shows. */
static bool is_named_own(const char *name)
{
	return !strcmp(name, "epolltune") || !strncmp(name, "probe:", strlen("probe:"));
}

bool process_line_parse(char *rest, struct process *out)
{
	uint64_t pid, root, state, manager, alike, own;
	if (!number(&rest, INT32_MAX, &pid) || !number(&rest, INT32_MAX, &root) ||
	    !number(&rest, UINT64_MAX, &out->started) || !number(&rest, 127, &state) ||
	    !number(&rest, UINT64_MAX, &out->soft) || !number(&rest, UINT64_MAX, &out->hard) ||
	    !number(&rest, UINT64_MAX, &out->open))
		return false;
	out->pid = (pid_t)pid;
	out->root = (pid_t)root;
	out->state = (char)state;
	text_take(&rest, out->name, sizeof(out->name));
	text_take(&rest, out->unit, sizeof(out->unit));
	text_take(&rest, out->waits_in, sizeof(out->waits_in));
	out->wait = process_wait_of(out->waits_in);
	/* Older captures lack these. */
	if (number(&rest, UNIT_INSIDE, &manager))
		out->manager = (enum unit_manager)manager;
	if (!number(&rest, UINT64_MAX, &out->threads))
		out->threads = 0;
	out->alike = number(&rest, 1, &alike) && alike;
	out->own = number(&rest, 1, &own) ? own : is_named_own(out->name);
	return true;
}

/* The address of one in IPv6 has brackets. */
static bool is_ipv6(const struct listener *l)
{
	const char *address = l->address + (l->kind == LISTENER_UDP ? strlen("udp:") : 0);
	return strlen(l->address) > strlen("udp:") && address[0] == '[';
}

static bool listener_parse(char *rest, size_t processes, struct listener *out)
{
	uint64_t port, v[4], uid, v6only, systemd, connected, buffers[2];
	if (!number(&rest, UINT16_MAX, &port))
		return false;
	for (size_t i = 0; i < 4; i++)
		if (!number(&rest, UINT32_MAX, &v[i]))
			return false;
	if (!number(&rest, UINT64_MAX, &out->inode) || !number(&rest, UINT64_MAX, &out->cookie) ||
	    !number(&rest, UINT32_MAX, &uid))
		return false;
	const char *owner = strsep(&rest, "\t");
	long at = owner ? strtol(owner, NULL, 10) : -1;
	if (!number(&rest, 1, &v6only))
		return false;
	out->owner = at >= 0 && (unsigned long)at < processes ? (int)at : -1;
	out->port = (uint16_t)port;
	out->depth = (uint32_t)v[0];
	out->limit = (uint32_t)v[1];
	out->drops = (uint32_t)v[2];
	out->half_open = (uint32_t)v[3];
	out->uid = (uint32_t)uid;
	out->v6only = v6only;
	text_take(&rest, out->address, sizeof(out->address));
	out->ipv6 = is_ipv6(out);
	/* Older captures lack these. */
	out->systemd = number(&rest, 1, &systemd) && systemd;
	out->connected = number(&rest, 1, &connected) && connected;
	if (number(&rest, UINT32_MAX, &buffers[0]) && number(&rest, UINT32_MAX, &buffers[1])) {
		out->receive_buffer = (uint32_t)buffers[0];
		out->send_buffer = (uint32_t)buffers[1];
	}
	return true;
}

/* False without memory. */
static bool line_parse(char *line, unsigned kinds, struct listeners *out)
{
	char *rest = line;
	const char *kind = strsep(&rest, "\t");
	if (!rest)
		return true;
	int known = kind_of(kind);
	struct listener l = {.kind = known < 0 ? LISTENER_UNIX : (enum listener_kind)known};
	struct process p = {0};
	if (!strcmp(kind, "counted")) {
		out->counted = *rest == '1';
		out->hidden = strstr(rest, "hidden\t1");
		out->cut = strstr(rest, "cut\t1");
		out->apart = strstr(rest, "apart\t1");
		out->unheld = strstr(rest, "unheld\t1");
		const char *unlisted = strstr(rest, "unlisted\t");
		out->unlisted =
			unlisted ? (unsigned)strtoul(unlisted + strlen("unlisted\t"), NULL, 10) : 0;
	} else if (!strcmp(kind, "process")) {
		/* A damaged one keeps its place: listeners name them by their number. */
		if (!process_line_parse(rest, &p))
			p = (struct process){0};
		struct process *more =
			array_add(&out->processes, &out->process_count, sizeof(*more));
		if (!more)
			return false;
		*more = p;
	} else if (known >= 0 && kinds >> known & 1 &&
		   listener_parse(rest, out->process_count, &l)) {
		struct listener *more = array_add(&out->at, &out->count, sizeof(*more));
		if (!more)
			return false;
		*more = l;
	}
	return true;
}

int listener_file_parse(const char *text, unsigned kinds, struct listeners *out, struct err *e)
{
	CLEAN(free_pointer) char *copy = strdup(text);
	bool whole = copy;
	memset(out, 0, sizeof(*out));
	for (char *line, *rest = copy; whole && (line = strsep(&rest, "\n"));)
		whole = line_parse(line, kinds, out);
	return whole ? 0 : err_set(e, ENOMEM, "cannot list sockets: out of memory");
}

int listener_file_read(const struct host *h, unsigned kinds, struct listeners *out, struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	ssize_t n = host_read_all(h, LISTENER_FILE, &text, e);
	if (n == -ENOENT)
		return err_set(e, EOPNOTSUPP,
			       "cannot list sockets: a captured machine has no sockets");
	return n < 0 ? (int)n : listener_file_parse(text, kinds, out, e);
}
