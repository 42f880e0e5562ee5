#include "host/socket_unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/systemd_value.h"
#include "epolltune/cleanup.h"
#include "host/machine.h"
#include "host/unit_files.h"

/* What a text is up to %i or %I, which stands for the instance of a template, and behind it. */
struct pattern {
	char before[PATH_MAX], after[PATH_MAX];
	bool instance; /* it has one of them */
};

/* Resolves the specifiers of a value. False: one depends on more than the unit's name. */
static bool pattern_make(const char *value, const char *instance, struct pattern *out)
{
	char *to = out->before;
	size_t used = 0;
	*out = (struct pattern){0};
	for (; *value; value++) {
		char one[2] = {*value, 0};
		const char *text = one;
		if (*value == '%') {
			value++;
			bool named = *value == 'i' || *value == 'I';
			if (named && !instance && !out->instance) {
				out->instance = true;
				to = out->after;
				used = 0;
				continue;
			}
			/* An escaped instance reads otherwise as %I. */
			bool plain = instance && (*value == 'i' || !strpbrk(instance, "-\\"));
			text = named && plain  ? instance
			       : *value == 't' ? "/run"
			       : *value == '%' ? "%"
					       : NULL;
			if (!text)
				return false;
		}
		used += (size_t)snprintf(to + used, PATH_MAX - used, "%s", text);
		if (used >= PATH_MAX)
			return false;
	}
	return true;
}

/* Whether a listener's address is such a text, of a template with which instance. */
static bool pattern_is(const struct pattern *p, const char *address, char *instance, size_t size)
{
	size_t before = strlen(p->before), after = strlen(p->after), length = strlen(address);
	if (!p->instance)
		return !strcmp(p->before, address);
	if (length <= before + after || strncmp(address, p->before, before) ||
	    strcmp(address + length - after, p->after) != 0)
		return false;
	size_t own = length - before - after;
	/* A slash is escaped in it. */
	if (own >= size || memchr(address + before, '/', own))
		return false;
	snprintf(instance, size, "%.*s", (int)own, address + before);
	return true;
}

/* Of ListenStream=: a port alone is one of all addresses. */
static bool listener_is(const struct listener *l, const struct pattern *p, char *instance,
			size_t size)
{
	char plain[LISTENER_ADDRESS], port[8];
	if (l->kind == LISTENER_UNIX)
		return pattern_is(p, l->address + strlen("unix:"), instance, size);
	listener_plain(l, plain);
	snprintf(port, sizeof(port), "%u", l->port);
	return l->kind == LISTENER_TCP &&
	       ((listener_is_wild(l) && pattern_is(p, port, instance, size)) ||
		pattern_is(p, plain, instance, size));
}

/* The listeners of a subject, a bit each; the last one is for all that are left. */
static uint64_t listener_bit(size_t i) { return UINT64_C(1) << (i < 63 ? i : 63); }

static void address_take(const char *value, const struct subject *s, struct socket_unit_lines *out)
{
	static const char legacy[] = "/var/run/"; /* a link that systemd resolves */
	struct pattern p;
	if (!strncmp(value, legacy, strlen(legacy)))
		value += strlen("/var");
	if (!pattern_make(value, out->template ? NULL : out->instance, &p)) {
		out->unresolved = true;
		return;
	}
	for (size_t i = 0; i < s->listeners.count; i++)
		if (listener_is(&s->listeners.at[i], &p, out->instance, sizeof(out->instance)))
			out->listens |= listener_bit(i);
}

/* One of the limits on new connections, of which `key` goes on so. */
static void burst_take(const char *key, const char *value, struct subject_burst *out)
{
	uint64_t us;
	if (!strcmp(key, "Burst") && *value)
		out->count = strtoull(value, NULL, 10);
	else if (!strcmp(key, "IntervalSec") && systemd_time_us(value, &us))
		out->interval_us = us == SYSTEMD_INFINITY ? SOCKET_UNIT_INTERVAL_US : us;
}

/* An empty value ends what was set before, but of a boolean. */
static void line_take(const char *key, const char *value, const struct subject *s,
		      struct socket_unit_lines *out)
{
	static const char trigger[] = "TriggerLimit", poll[] = "PollLimit";
	if (!strcmp(key, "Accept")) {
		int is = systemd_boolean(value);
		out->accepts = is < 0 ? out->accepts : is;
	} else if (!strcmp(key, "ListenStream") || !strcmp(key, "ListenSequentialPacket")) {
		if (*value) {
			address_take(value, s, out);
		} else {
			out->listens = 0;
			out->unresolved = false;
		}
	} else if (!strcmp(key, "MaxConnections")) {
		out->unit.preset = !*value;
		out->unit.max = *value ? strtoull(value, NULL, 10) : SOCKET_UNIT_CONNECTIONS;
	} else if (!strcmp(key, "MaxConnectionsPerSource")) {
		out->unit.per_source = strtoull(value, NULL, 10);
	} else if (!strncmp(key, trigger, strlen(trigger))) {
		burst_take(key + strlen(trigger), value, &out->unit.trigger);
	} else if (!strncmp(key, poll, strlen(poll))) {
		burst_take(key + strlen(poll), value, &out->unit.poll);
	}
}

static char *trim(char *text)
{
	text += strspn(text, " \t");
	for (size_t end = strlen(text); end && strchr(" \t\r", text[end - 1]); end--)
		text[end - 1] = 0;
	return text;
}

/* One line, of which `inside` says whether it is in the section of the socket. */
static void line_parse(char *line, bool *inside, const struct subject *s,
		       struct socket_unit_lines *out)
{
	line = trim(line);
	char *equals = strchr(line, '=');
	if (*line == '[')
		*inside = !strcmp(line, "[Socket]");
	if (!*inside || !equals || *line == '[')
		return;
	*equals = 0;
	line_take(trim(line), trim(equals + 1), s, out);
}

void socket_unit_parse(char *text, const struct subject *s, struct socket_unit_lines *out)
{
	char *before = NULL; /* what the line goes on with, after a backslash */
	bool inside = false;
	for (char *line = text, *next = NULL; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		char first = line[strspn(line, " \t")];
		if (first == '#' || first == ';')
			continue;
		if (before) {
			memmove(before + strlen(before), line, strlen(line) + 1);
			line = before;
		}
		size_t length = strlen(line);
		before = length && line[length - 1] == '\\' ? line : NULL;
		if (before)
			line[length - 1] = ' ';
		else
			line_parse(line, &inside, s, out);
	}
	if (before)
		line_parse(before, &inside, s, out);
}

/* Whose view of the files: systemd's; that of pid 1, which other users may not look at, is ours. */
static pid_t viewer(const struct subject *s) { return s->pid == 1 ? getpid() : s->pid; }

/* Whether the file says something. */
static bool file_parse(const struct host *h, const struct subject *s, const char *path,
		       struct socket_unit_lines *out)
{
	CLEAN(free_pointer) char *text = NULL;
	struct timespec changed;
	ssize_t size = machine_read_as(h, viewer(s), path, &text, &changed, NULL);
	/* /dev/null masks it, and a link without a target is none. */
	out->hidden |= size < 0 && size != -EINVAL && size != -ENOENT;
	if (size > 0)
		socket_unit_parse(text, s, out);
	return size > 0;
}

static int dropins_parse(const struct host *h, const struct subject *s, const char *unit,
			 struct socket_unit_lines *out)
{
	CLEAN(unit_files_free) struct unit_files dropins = {0};
	int rc = unit_files_dropins(h, viewer(s), unit, &dropins);
	for (size_t i = 0; i < dropins.count; i++)
		file_parse(h, s, dropins.at[i].path, out);
	return rc;
}

void socket_unit_begin(const char *name, struct socket_unit_lines *out)
{
	static const char type[] = ".socket";
	const char *at = strchr(name, '@');
	size_t length = at ? strlen(at + 1) : 0;
	*out = (struct socket_unit_lines){
		.unit = {.max = SOCKET_UNIT_CONNECTIONS,
			 .preset = true,
			 .trigger = {SOCKET_UNIT_TRIGGERS, SOCKET_UNIT_INTERVAL_US},
			 .poll = {SOCKET_UNIT_POLLS, SOCKET_UNIT_INTERVAL_US}}};
	out->template = at && !strcmp(at + 1, type);
	if (length > strlen(type))
		snprintf(out->instance, sizeof(out->instance), "%.*s", (int)(length - strlen(type)),
			 at + 1);
}

/* Adds what the unit of that file and its drop-ins say. A file that is empty or /dev/null masks the
 * unit. */
static int unit_parse(const struct host *h, const struct subject *s, const char *path,
		      struct socket_unit_lines *out)
{
	const char *name = strrchr(path, '/') + 1;
	char unit[2 * NAME_MAX + 16];
	socket_unit_begin(name, out);
	snprintf(out->unit.file, sizeof(out->unit.file), "%.127s", path);
	if (!file_parse(h, s, path, out))
		return 0;
	int rc = dropins_parse(h, s, name, out);
	if (rc || !out->template || !out->instance[0])
		return rc;
	snprintf(unit, sizeof(unit), "%.*s%s.socket", (int)(strcspn(name, "@") + 1), name,
		 out->instance);
	return dropins_parse(h, s, unit, out);
}

static bool bursts_differ(const struct subject_burst *a, const struct subject_burst *b)
{
	return a->count != b->count || a->interval_us != b->interval_us;
}

static bool limits_differ(const struct socket_unit_lines *a, const struct socket_unit_lines *b)
{
	return a->accepts != b->accepts || a->unit.max != b->unit.max ||
	       a->unit.per_source != b->unit.per_source ||
	       bursts_differ(&a->unit.trigger, &b->unit.trigger) ||
	       bursts_differ(&a->unit.poll, &b->unit.poll);
}

/* Those that clients connect to. */
static uint64_t listeners_wanted(const struct subject *s)
{
	uint64_t wanted = 0;
	for (size_t i = 0; i < s->listeners.count; i++)
		if (s->listeners.at[i].kind != LISTENER_UDP && !s->listeners.at[i].aside)
			wanted |= listener_bit(i);
	return wanted;
}

/* Of units that have a listener of the subject. */
static void unit_join(struct socket_unit_lines *found, const struct socket_unit_lines *next)
{
	if (!found->listens) {
		*found = *next;
	} else if ((found->accepts || next->accepts) && limits_differ(found, next)) {
		char first[sizeof(found->unit.file)];
		memcpy(first, found->unit.file, sizeof(first));
		snprintf(found->unit.file, sizeof(found->unit.file), "%.61s and %.61s", first,
			 next->unit.file);
		found->several = true;
	}
	found->listens |= next->listens;
	found->hidden |= next->hidden;
}

void socket_unit_find(const struct host *h, const struct subject *s, struct socket_unit *out)
{
	CLEAN(unit_files_free) struct unit_files all = {0};
	struct socket_unit_lines found = {0}, template = {0}, next;
	char may[sizeof(out->file)] = "";
	int rc = unit_files_list(h, viewer(s), ".socket", &all);
	for (size_t i = 0; i < all.count && !rc && !found.several; i++) {
		rc = unit_parse(h, s, all.at[i].path, &next);
		if (!rc && next.listens)
			unit_join(next.template ? &template : &found, &next);
		else if ((next.hidden || (next.unresolved && next.accepts)) && !*may)
			snprintf(may, sizeof(may), "%s", next.unit.file);
	}
	/* Of a template any instance may be active. */
	if (!found.listens)
		found = template;
	*out = found.unit;
	out->is = found.several   ? SOCKET_UNIT_SEVERAL
		  : found.accepts ? SOCKET_UNIT_ACCEPTS
				  : SOCKET_UNIT_SERVICE;
	if (!found.hidden && !rc && (found.several || !(listeners_wanted(s) & ~found.listens)))
		return;
	out->is = SOCKET_UNIT_UNKNOWN;
	if (!found.hidden)
		snprintf(out->file, sizeof(out->file), "%s", may);
}
