/* What the lines of a file of sysctl.d, or of all files of a machine, do to each other. */
#include "base/array.h"
#include "epolltune/order.h"
#include "lint/lint.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/kernel_number.h"
#include "base/layer.h"
#include "base/text.h"
#include "epolltune/knob.h"
#include "epolltune/sysctls.h"

#define BLANKS " \t"

void lint_value_keep(struct lint *l, struct lint_values *of, const struct lint_line *line,
		     const char *name, const char *value, bool pattern)
{
	bool exclude = !value;
	char *copy = strdup(name), *text = strdup(exclude ? "" : value),
	     *written = strdup(exclude ? "" : value);
	struct lint_value *v =
		copy && text && written ? array_add(&of->at, &of->count, sizeof(*v)) : NULL;
	if (!v) {
		l->failed = true;
		free(copy);
		free(text);
		free(written);
		return;
	}
	text_join(text);
	*v = (struct lint_value){.file = line->file,
				 .line = line->number,
				 .order = l->value_order++,
				 .name = copy,
				 .key = sysctl_key(copy),
				 .value = text,
				 .written = written,
				 .reader = l->reader,
				 .pattern = pattern,
				 .exclude = exclude};
}

/* Whether the line has the second name of its value. */
static bool is_twin(const struct lint_value *v) { return strcmp(v->name, v->key) != 0; }

/* Of the values, as they are sorted. */
const struct lint_value *sysctl_value_winner(const struct lint *l, const struct lint_value *v)
{
	const struct lint_value *end = l->values.at + l->values.count, *own = v, *twin = NULL;
	for (const struct lint_value *at = v + 1; at < end && !strcmp(at->key, v->key); at++)
		*(is_twin(at) == is_twin(v) ? &own : &twin) = at;
	if (own != v)
		return own;
	return twin && !twin->exclude && !twin->refused ? twin : NULL;
}

/* systemd-sysctl writes the last line of each name only, and where the kernel refuses it, none. */
const struct lint_value *sysctl_value_find(const struct lint *l, const char *key)
{
	const struct lint_value *last[2] = {NULL, NULL};
	for (size_t i = 0; i < l->values.count; i++)
		if (!strcmp(l->values.at[i].key, key))
			last[is_twin(&l->values.at[i])] = &l->values.at[i];
	for (size_t i = 0; i < 2; i++)
		if (last[i] && (last[i]->exclude || last[i]->refused))
			last[i] = NULL;
	return last[last[1] && (!last[0] || last[1]->place > last[0]->place)];
}

static int read_compare(const void *a, const void *b)
{
	const struct lint_value *x = a, *y = b;
	int key = strcmp(x->key, y->key);
	return key ? key : ORDER(x->order, y->order);
}

static int value_compare(const void *a, const void *b)
{
	const struct lint_value *x = a, *y = b;
	int key = strcmp(x->key, y->key);
	if (key || x->place != y->place)
		return key ? key : ORDER(x->place, y->place);
	return ORDER(x->order, y->order);
}

/* Of values in the order of reading. */
static void places_fill(struct lint_values *of)
{
	const struct lint_value *last[2] = {NULL, NULL};
	for (size_t i = 0; i < of->count; i++) {
		struct lint_value *v = &of->at[i];
		if (i && strcmp(of->at[i - 1].key, v->key) != 0)
			last[0] = last[1] = NULL;
		const struct lint_value **was = &last[is_twin(v)];
		bool moves = !*was || sysctl_line_moves(v->reader, (*was)->written, (*was)->exclude,
							v->written, v->exclude);
		v->place = moves ? v->order : (*was)->place;
		*was = v;
	}
}

/* By value, and those of a value in the order of writing. */
static void values_sort(struct lint_values *of)
{
	if (!of->count)
		return;
	qsort(of->at, of->count, sizeof(*of->at), read_compare);
	places_fill(of);
	qsort(of->at, of->count, sizeof(*of->at), value_compare);
}

/* "net.core.somaxconn = 8192". */
static const char *assigned(const struct lint_value *v, char text[LINT_TEXT])
{
	if (v->value[0])
		snprintf(text, LINT_TEXT, "%s = %s", v->name, v->value);
	else
		snprintf(text, LINT_TEXT, "the empty value of %s", v->name);
	return text;
}

/* A later line replaces an earlier one before any is written. */
static void replaced_judge(struct lint *l, const struct lint_value *v,
			   const struct lint_value *next)
{
	struct lint_line line = {v->file, "", v->line};
	const struct knob *k = knob_find(v->key);
	char taken[KNOB_VALUE] = "", what[LINT_TEXT], text[LINT_TEXT];
	if (k)
		knob_taken(k, l->kernel, next->value, taken);
	if (taken[0])
		snprintf(what, sizeof(what),
			 "of which the kernel sets %s and refuses the rest: correct that line",
			 taken);
	else
		snprintf(what, sizeof(what),
			 "which the kernel refuses: systemd-sysctl sets neither; remove that line");
	if (!strcmp(v->file, next->file))
		lint_add(l, &line, LINT_DUPLICATE, NULL, "%s is set again in line %u, %s", v->name,
			 next->line, what);
	else
		lint_add(l, &line, LINT_OVERRIDDEN, NULL, "%s is overridden by %s:%u, %s",
			 assigned(v, text), next->file, next->line, what);
}

static void excluded_judge(struct lint *l, const struct lint_value *v,
			   const struct lint_value *next)
{
	struct lint_line line = {v->file, "", v->line};
	char text[LINT_TEXT];
	lint_add(l, &line, LINT_OVERRIDDEN, NULL,
		 "%s is excluded by the line -%s in %s:%u, and systemd-sysctl does not set it: "
		 "remove one of the two",
		 assigned(v, text), v->name, next->file, next->line);
	lint_level(l, LEVEL_NOTE);
}

/* The line without which all others keep their places. */
static void same_judge(struct lint *l, const struct lint_value *v, const struct lint_value *next)
{
	bool stays = next->place == v->place;
	const struct lint_value *drop = stays ? next : v, *keep = stays ? v : next;
	struct lint_line line = {drop->file, "", drop->line};
	lint_add(l, &line, LINT_DUPLICATE, "",
		 "%s is set %s in line %u, to the same value: keep one line", drop->name,
		 stays ? "already" : "again", keep->line);
	lint_level(l, LEVEL_NOTE);
}

static bool is_read_later(const struct lint_value *v, const struct lint_value *next)
{
	return next->order > v->order;
}
#define REPEATS ", as systemd-sysctl writes a line that says what an earlier one says in its place"

static void repeated_judge(struct lint *l, const struct lint_value *v,
			   const struct lint_value *next)
{
	struct lint_line line = {v->file, "", v->line};
	bool same = !next->exclude && !strcmp(v->value, next->value);
	bool here = !strcmp(v->file, next->file), twin = strcmp(v->name, next->name) != 0;
	const char *value = next->value[0] ? next->value : "an empty value";
	const char *as = twin ? " as " : "", *name = twin ? next->name : "";
	char text[LINT_TEXT];
	if (next->refused && !same) {
		if (!twin)
			replaced_judge(l, v, next);
		return;
	}
	/* That the administrator changes what the distribution ships is as it should be. */
	if (file_layer(v->file) == LAYER_SHIPPED || (same && (twin || !here)))
		return;
	if (next->exclude)
		excluded_judge(l, v, next);
	else if (same)
		same_judge(l, v, next);
	else if (here)
		/* Without the line that wins, this one sets the value. */
		lint_add(l, &line, LINT_DUPLICATE, next->removed ? NULL : "",
			 "%s is set again in line %u%s%s, to %s, which wins%s: %s", v->name,
			 next->line, as, name, value, is_read_later(v, next) ? "" : REPEATS,
			 next->removed ? "remove that line" : "keep one line");
	else
		lint_add(l, &line, LINT_OVERRIDDEN, NULL,
			 "%s is overridden by %s:%u, which %s and sets %s%s%s: change that line",
			 assigned(v, text), next->file, next->line,
			 is_read_later(v, next) ? "is read later" : "is written later" REPEATS,
			 value, as, name);
}

/* Judges the lines of one value, those from `first` to below `end`: the last one of a name ends all
 * of that name before it if it excludes it, or else each is replaced by the next that sets the
 * value. */
static void name_lines_judge(struct lint *l, size_t first, size_t end)
{
	const struct lint_value *last[2] = {NULL, NULL}, *next = NULL;
	for (size_t i = end; i-- > first;) {
		const struct lint_value *v = &l->values.at[i], **of = &last[is_twin(v)];
		*of = *of ? *of : v;
		if (v->exclude)
			continue;
		if ((*of)->exclude || next)
			repeated_judge(l, v, (*of)->exclude ? *of : next);
		if (!(*of)->exclude)
			next = v;
	}
}

static bool number_of(const struct lint *l, const char *name, const struct lint_value **v,
		      int64_t *value)
{
	*v = sysctl_value_find(l, name);
	return *v && kernel_number((*v)->value, BLANKS, value);
}

bool sysctl_value_number(const struct lint *l, const char *name, int64_t *value)
{
	const struct lint_value *v;
	return number_of(l, name, &v, value);
}

/* The thresholds of the neighbour table ascend. */
static void thresholds_judge(struct lint *l, const char *family)
{
	const struct lint_value *v[3];
	int64_t value[3];
	for (int i = 0; i < 3; i++) {
		char name[SYSCTL_NAME];
		snprintf(name, sizeof(name), "net.%s.neigh.default.gc_thresh%d", family, i + 1);
		if (!number_of(l, name, &v[i], &value[i]))
			v[i] = NULL;
		if (i && v[i] && v[i - 1] && value[i] < value[i - 1]) {
			struct lint_line line = {v[i]->file, "", v[i]->line};
			lint_add(l, &line, LINT_ORDER, NULL,
				 "%s = %s is below gc_thresh%d = %s: write them ascending",
				 v[i]->name, v[i]->value, i, v[i - 1]->value);
		}
	}
}

#define FIRST_PORT "net.ipv4.ip_unprivileged_port_start"
#define FIRST_PORT_OWN 1024
#define PORT_RANGE "net.ipv4.ip_local_port_range"
#define PORT_RANGE_OWN 32768

/* The first port that a value has when the line `at` is written: that of an earlier line, of the
 * machine, or `own`, the kernel's. `earlier`, `later`: the line that sets it before, or another one
 * after; NULL: none. */
static int64_t port_before(const struct lint *l, const char *name, const struct lint_value *at,
			   int64_t own, const struct lint_value **earlier,
			   const struct lint_value **later)
{
	const struct lint_value *v;
	char path[SYSCTL_PATH], running[32];
	int64_t port;
	bool set = number_of(l, name, &v, &port) && port >= 0 && port <= 65535;
	*later = set && v->place > at->place ? v : NULL;
	*earlier = set && !*later ? v : NULL;
	if (set)
		return *later ? own : port;
	sysctl_path(name, path);
	return l->host && host_read(l->host, path, running, sizeof(running), NULL) > 0 &&
			       kernel_number(running, BLANKS "\n", &port)
		       ? port
		       : own;
}

static void refuse(struct lint_value *v, const struct lint_value *after)
{
	v->refused = true;
	v->refused_after = after && !strcmp(after->file, v->file) ? after->line : 0;
}

/* Drops what was said of a value before it was known that the kernel refuses it. */
static void merits_drop(struct lint *l, const struct lint_value *v)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++) {
		struct lint_problem *p = &l->problems[i];
		if (p->line == v->line && !strcmp(p->file, v->file) &&
		    (p->rule == LINT_LOWERS || p->rule == LINT_CLASSIC)) {
			free(p->text);
			free(p->fix);
		} else {
			l->problems[kept++] = *p;
		}
	}
	l->count = kept;
}

/* net/ipv4/sysctl_net_ipv4.c, ipv4_local_port_range(). */
static void ranges_judge(struct lint *l)
{
	for (size_t i = 0; i < l->values.count; i++) {
		struct lint_value *v = &l->values.at[i];
		const struct lint_value *earlier, *later;
		struct lint_line line = {v->file, "", v->line};
		int64_t low, first;
		if (strcmp(v->name, PORT_RANGE) || v->exclude || v->refused ||
		    !kernel_number(v->value, BLANKS, &low) ||
		    low >= (first = port_before(l, FIRST_PORT, v, FIRST_PORT_OWN, &earlier,
						&later)))
			continue;
		refuse(v, earlier);
		merits_drop(l, v);
		if (later)
			lint_add(
				l, &line, LINT_REFUSED, NULL,
				"%s: %" PRId64 " is below " FIRST_PORT " (%" PRId64 "), which "
				"%s:%u sets later, and the kernel refuses the line (EINVAL): write "
				"it after that line",
				v->name, low, first, later->file, later->line);
		else
			lint_add(l, &line, LINT_REFUSED, NULL,
				 "%s: %" PRId64 " is below " FIRST_PORT " (%" PRId64 "), and the "
				 "kernel refuses the line (EINVAL): begin at %" PRId64 " or above",
				 v->name, low, first, first);
	}
}

/* net/ipv4/sysctl_net_ipv4.c, ipv4_privileged_ports(). */
static void first_port_judge(struct lint *l)
{
	const struct lint_value *v, *earlier, *later;
	int64_t port, low;
	if (!number_of(l, FIRST_PORT, &v, &port) || port > 65535 ||
	    port <= (low = port_before(l, PORT_RANGE, v, PORT_RANGE_OWN, &earlier, &later)))
		return;
	struct lint_line line = {v->file, "", v->line};
	lint_add(l, &line, LINT_REFUSED, NULL,
		 "%s: %" PRId64 " is above the low end of " PORT_RANGE " (%" PRId64 "), and the "
		 "kernel refuses the line (EINVAL): write %" PRId64 " or less, or the range before "
		 "it",
		 v->name, port, low, low);
	refuse(&l->values.at[v - l->values.at], earlier);
}

/* Each is compared with what the other is when its line is written. */
static void ports_both_judge(struct lint *l)
{
	const struct lint_value *first = sysctl_value_find(l, FIRST_PORT),
				*range = sysctl_value_find(l, PORT_RANGE);
	bool before = first && range && first->place < range->place;
	if (before)
		first_port_judge(l);
	ranges_judge(l);
	if (!before)
		first_port_judge(l);
}

static void pairs_judge(struct lint *l)
{
	const struct lint_value *reuse, *stamps, *range;
	int64_t value = 0, off = 0;
	if (number_of(l, "net.ipv4.tcp_tw_reuse", &reuse, &value) && value &&
	    number_of(l, "net.ipv4.tcp_timestamps", &stamps, &off) && !off) {
		struct lint_line line = {reuse->file, "", reuse->line};
		lint_add(l, &line, LINT_CAPPED, NULL,
			 "net.ipv4.tcp_tw_reuse has no effect with net.ipv4.tcp_timestamps = 0 "
			 "(%s:%u): remove that line",
			 stamps->file, stamps->line);
	}
	if (number_of(l, PORT_RANGE, &range, &value) && value < 10000 &&
	    !sysctl_value_find(l, "net.ipv4.ip_local_reserved_ports")) {
		struct lint_line line = {range->file, "", range->line};
		lint_add(l, &line, LINT_PORTS, NULL,
			 "the range begins at %" PRId64
			 ", where services listen: connect() takes the "
			 "port of one that starts later; add net.ipv4.ip_local_reserved_ports",
			 value);
	}
	thresholds_judge(l, "ipv4");
	thresholds_judge(l, "ipv6");
}

void sysctl_values_judge(struct lint *l)
{
	values_sort(&l->values);
	ports_both_judge(l);
	for (size_t i = 0; i < l->values.count; i++)
		sysctl_value_advise(l, &l->values.at[i]);
	for (size_t i = 0, end; i < l->values.count; i = end) {
		for (end = i + 1;
		     end < l->values.count && !strcmp(l->values.at[i].key, l->values.at[end].key);)
			end++;
		name_lines_judge(l, i, end);
	}
	pairs_judge(l);
}
