#include "epolltune/knob.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shell.h"
#include "epolltune/port_set.h"
#include "epolltune/sysctls.h"

const struct knob *knob_find(const char *name)
{
	for (size_t i = 0; i < knob_count(); i++) {
		const char *known = knob_at(i)->name, *given = name;
		while (*known && (*known == *given || (*known == '.' && *given == '/')))
			known++, given++;
		/* "device.ring.rx@eth0": whose, which the row does not say. */
		bool whose = *given == '@' && knob_at(i)->scope == KNOB_DEVICE;
		if (!*known && (!*given || whose))
			return knob_at(i);
	}
	return NULL;
}

static const struct {
	const char *name, *text;
	const char *untried; /* why no lab tries it; NULL: one does */
} scopes[] = {
	[KNOB_NETNS] = {"netns", "each network namespace has its own", NULL},
	[KNOB_SYSTEM] = {"system", "one for the whole machine",
			 "the limit is machine-wide, and epolltune does not exhaust it"},
	[KNOB_PROCESS] = {"process", "each process has its own, inherited from its parent",
			  "a limit of the process, set where it is started"},
	[KNOB_APPLICATION] = {"application", "the application chooses", NULL},
	[KNOB_DEVICE] = {"device", "each interface has its own", "a setting of the device"},
};

const char *knob_scope_name(enum knob_scope s) { return scopes[s].name; }
const char *knob_scope_text(enum knob_scope s) { return scopes[s].text; }
const char *knob_scope_untried(enum knob_scope s) { return scopes[s].untried; }

const char *knob_effect_text(enum knob_effect e)
{
	static const char *const texts[] = {
		[KNOB_AT_ONCE] = "at once",
		[KNOB_NEXT_PACKET] = "from the next packet on",
		[KNOB_NEXT_SOCKET] = "for sockets made from now on: restart the server "
				     "(accepted sockets inherit from their listener)",
		[KNOB_NEXT_SOCKET_MIDDLE] =
			"at once, the second field for sockets made from now on: restart the "
			"server (accepted sockets inherit from their listener)",
		[KNOB_NEXT_CONNECTION] = "for connections made from now on",
		[KNOB_NEXT_ACCEPT] = "for connections made or accepted from now on",
		[KNOB_NEXT_LISTEN] = "at the next listen(): restart the server",
		[KNOB_NEXT_PROCESS] = "at the next start of the process",
		[KNOB_NEXT_DEVICE] = "for interfaces that are first brought up from now on",
	};
	return texts[e];
}

size_t knob_fields(enum knob_shape shape)
{
	static const size_t fields[] = {[KNOB_NUMBER] = 1,
					[KNOB_RANGE] = 2,
					[KNOB_TRIPLE] = 3,
					[KNOB_WORD] = 0,
					[KNOB_PORTS] = 0};
	return fields[shape];
}

int64_t knob_round(const struct knob *k, int64_t value)
{
	int64_t rounded = value > k->round_min ? value : k->round_min, step;
	switch (k->round) {
	case KNOB_EXACT:
		break;
	case KNOB_POWER:
		for (step = k->round_min; step < rounded && step <= INT64_MAX / 2;)
			step *= 2;
		rounded = step;
		break;
	case KNOB_SIXTEENTH:
		for (step = k->round_min; step <= INT64_MAX / 32 && step * 16 < rounded;)
			step *= 2;
		rounded = (rounded + step - 1) / step * step;
		break;
	}
	if (rounded > k->max)
		return value > k->max ? INT64_MAX : k->max;
	return rounded;
}

const char *knob_shape_text(enum knob_shape shape)
{
	switch (shape) {
	case KNOB_NUMBER:
		return "a decimal integer";
	case KNOB_RANGE:
		return "two decimal integers";
	case KNOB_TRIPLE:
		return "three decimal integers";
	case KNOB_WORD:
		return "one word";
	case KNOB_PORTS:
		return "a list of ports such as 8080,9000-9010";
	}
	return "?";
}

/* Blanks and tabs become one blank, none at the ends. False when it does not fit. */
static bool squeeze(const char *text, char out[KNOB_VALUE])
{
	size_t n = 0;
	for (const char *at = text + strspn(text, " \t\n"); *at; at += strspn(at, " \t\n")) {
		size_t word = strcspn(at, " \t\n");
		if (n + !!n + word >= KNOB_VALUE)
			return false;
		if (n)
			out[n++] = ' ';
		memcpy(out + n, at, word);
		n += word;
		at += word;
	}
	out[n] = 0;
	return true;
}

/* Reads one integer as sysctl prints it. A leading zero is refused: the kernel would read what
 * follows as octal (proc_get_long() in kernel/sysctl.c). */
static bool integer(const char **at, int64_t *value)
{
	bool negative = **at == '-';
	const char *digits = *at + negative;
	if (!isdigit((unsigned char)*digits) ||
	    (*digits == '0' && (negative || isdigit((unsigned char)digits[1]))))
		return false;
	char *end;
	errno = 0;
	*value = strtoll(*at, &end, 10);
	if (errno || (*end && *end != ' '))
		return false;
	*at = end;
	return true;
}

static bool word_valid(const char *word)
{
	return *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789_-.,")];
}

static bool shape_fits(const struct knob *k, const char *value)
{
	if (k->shape == KNOB_WORD)
		return word_valid(value);
	if (k->shape == KNOB_PORTS)
		return port_set_parse(&(struct port_set){0}, value);
	size_t count = 0;
	int64_t number;
	const char *at = value;
	for (; *at; count++) {
		at += *at == ' ';
		if (!integer(&at, &number))
			return false;
	}
	return count == knob_fields(k->shape);
}

bool knob_normalise(const struct knob *k, const char *text, char normal[KNOB_VALUE])
{
	return squeeze(text, normal) && shape_fits(k, normal);
}

int knob_field(const char *value, size_t i, int64_t *out)
{
	const char *at = value;
	for (; *at; i--) {
		at += *at == ' ';
		if (!integer(&at, out))
			return -EINVAL;
		if (i == 0)
			return 0;
	}
	return -EINVAL;
}

int knob_check(const struct knob *k, const char *value, char normal[KNOB_VALUE], struct err *e)
{
	if (!knob_normalise(k, value, normal))
		return err_set(e, EINVAL, "%s: \"%.100s\" is not %s", k->name, value,
			       knob_shape_text(k->shape));
	if (k->shape == KNOB_PORTS) {
		struct port_set set = {0};
		port_set_parse(&set, normal);
		port_set_format(&set, normal, KNOB_VALUE);
	}
	/* The kernel's own tcp_wmem has a page first, on 64 KiB pages above the second field. */
	int64_t previous = INT64_MIN;
	for (size_t i = 0; i < knob_fields(k->shape); i++) {
		int64_t number = 0;
		knob_field(normal, i, &number);
		if (number < k->min || number > k->max)
			return err_set(e, ERANGE,
				       "%s: %" PRId64 " is outside %" PRId64 " to %" PRId64,
				       k->name, number, k->min, k->max);
		if (k->shape == KNOB_RANGE && number < previous)
			return err_set(e, EINVAL, "%s: \"%s\" does not ascend", k->name, normal);
		previous = number;
	}
	return 0;
}

static bool ports_miss(const char *from, const char *to)
{
	struct port_set had = {0}, has = {0};
	if (!port_set_parse(&had, from) || !port_set_parse(&has, to))
		return false;
	port_set_remove(&had, &has);
	return port_set_count(&had, 0, UINT16_MAX) > 0;
}

bool knob_lower(const struct knob *k, const char *from, const char *to)
{
	if (k->shape == KNOB_PORTS)
		return ports_miss(from, to);
	for (size_t i = 0; i < knob_fields(k->shape) && !k->choice; i++) {
		int64_t had, has;
		bool low = k->shape == KNOB_RANGE && i == 0;
		if (knob_field(from, i, &had) == 0 && knob_field(to, i, &has) == 0 &&
		    (low ? has > had : has < had))
			return true;
	}
	return false;
}

/* The place of a choice among the others; -1: it has none. */
static ptrdiff_t ranked(const struct knob *k, const char *value)
{
	const char *at = *value && !value[1] ? strchr(k->rank, *value) : NULL;
	return at ? at - k->rank : -1;
}

bool knob_worse(const struct knob *k, const char *from, const char *to)
{
	if (k->rank)
		return ranked(k, to) < ranked(k, from);
	if (k->choice)
		return strcmp(from, to) != 0;
	return k->lower_is_better ? knob_lower(k, to, from) : knob_lower(k, from, to);
}

bool knob_is_sysctl(const struct knob *k)
{
	return k->scope == KNOB_NETNS || k->scope == KNOB_SYSTEM;
}

bool knob_initial_only(const struct knob *k) { return k->scope == KNOB_SYSTEM && !k->anywhere; }

void knob_path(const struct knob *k, char path[KNOB_PATH])
{
	char whole[SYSCTL_PATH];
	sysctl_path(k->name, whole);
	snprintf(path, KNOB_PATH, "%.*s", KNOB_PATH - 1, whole);
}

const char *knob_silent(const char *name, const char *value, char silent[KNOB_VALUE])
{
	int64_t low, high;
	if (strcmp(name, "net.ipv4.ip_local_port_range") != 0 ||
	    sscanf(value, "%" SCNd64 " %" SCNd64, &low, &high) != 2 || (high - low) % 2)
		return value;
	if (low < high)
		high--;
	else if (high < UINT16_MAX)
		high++;
	else
		low--;
	snprintf(silent, KNOB_VALUE, "%" PRId64 "\t%" PRId64, low, high);
	return silent;
}

char *knob_command(const char *arguments, const char *knob, const char *value, bool lower,
		   char *text, size_t size)
{
	char name[256], setting[4 * KNOB_VALUE], word[4 * KNOB_VALUE];
	snprintf(setting, sizeof(setting), "%s=%s", knob, value);
	shell_word(name, sizeof(name), knob);
	shell_word(word, sizeof(word), setting);
	snprintf(text, size, "epolltune apply%s --only %s --set %s%s", arguments, name, word,
		 lower ? " --allow-lower" : "");
	return text;
}
