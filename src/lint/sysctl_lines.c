/* Judges the lines of sysctl.d. */
#include "lint/lint.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/kernel_number.h"
#include "epolltune/knob.h"
#include "epolltune/quantity.h"
#include "epolltune/sysctls.h"
#include "host/modules.h"

#define GUESSES_MAX 200
/* Faults of one line that are corrected one after another. */
#define FIXES_MAX 4
#define BLANKS " \t"

struct assignment {
	const struct lint_line *line;
	struct sysctl_line read;
	char general[SYSCTL_NAME];
	const struct knob *knob; /* NULL: none of the catalogue's */
	char dash[2];            /* "-" before the name */
	int64_t field[3];        /* REPORT_NONE: none */
};

/* The last column of "gone since", "6.14". */
static const char *kernel_text(unsigned kernel, char text[16])
{
	snprintf(text, 16, "%u.%u", kernel >> 16, kernel & 0xffff);
	return text;
}

/* None for a line of which only the beginning was read. */
static void fix_make(const struct assignment *a, const char *name, const char *value,
		     char fix[LINT_TEXT])
{
	if (a->read.cut || snprintf(fix, LINT_TEXT, "%s%s = %s", a->dash, name, value) >= LINT_TEXT)
		fix[0] = '\0';
}

/* The name without quotes and without characters that are not ASCII, as its general form. */
static bool name_clean(const char *name, char clean[SYSCTL_NAME], char general[SYSCTL_NAME])
{
	size_t n = 0;
	for (; *name && n + 1 < SYSCTL_NAME; name++)
		if (!strchr("\"'", *name) && (unsigned char)*name < 0x80)
			clean[n++] = *name;
	clean[n] = 0;
	return !*name && sysctl_general(clean, general);
}

/* What a name means beyond doubt: itself, or the only known one that is one letter from it. A guess
 * is for the reader of the problem, never a fix. */
static bool name_meant(const char *name, char meant[SYSCTL_NAME])
{
	char clean[SYSCTL_NAME], general[SYSCTL_NAME], near[SYSCTL_NAME];
	if (!name_clean(name, clean, general))
		return false;
	if (knob_find(clean) || sysctl_known(general) || sysctl_history_find(general)) {
		snprintf(meant, SYSCTL_NAME, "%s", clean);
		return true;
	}
	return sysctl_meant(general, near) && sysctl_named(near, clean, meant);
}

static void foreign_name_add(struct lint *l, const struct lint_line *line, const char *text)
{
	struct assignment a = {.dash = ""};
	char meant[SYSCTL_NAME], fix[LINT_TEXT] = "";
	bool known = sysctl_d_line(text, strlen(text), &a.read) && l->guesses++ < GUESSES_MAX &&
		     name_meant(a.read.name, meant);
	snprintf(a.dash, sizeof(a.dash), "%s", *text == '-' ? "-" : "");
	if (known)
		fix_make(&a, meant, a.read.value, fix);
	lint_add(l, line, LINT_SYNTAX, fix[0] ? fix : NULL,
		 "the name has a character that is not ASCII, as web pages have: type the name "
		 "again");
}

/* Lines of other files and of shells, which readers skip or take for a name. */
static bool foreign_judge(struct lint *l, const struct lint_line *line)
{
	const char *text = line->text + strspn(line->text, BLANKS),
		   *write = strstr(text, "sysctl -w");
	if (*text == '#' || *text == ';')
		return false;
	if (write || !strncmp(text, "sysctl ", 7) || !strncmp(text, "echo ", 5) ||
	    !strncmp(text, "ulimit ", 7) || !strncmp(text, "export ", 7)) {
		char fix[LINT_TEXT];
		const char *rest = write ? write + 9 + strspn(write + 9, BLANKS) : "";
		/* Of several assignments one line cannot keep all. */
		const char *sign = strchr(rest, '=');
		bool plain = sign && !strchr(sign + 1, '=') && !strpbrk(rest, "\"';&|");
		snprintf(fix, sizeof(fix), "%s", rest);
		lint_add(
			l, line, LINT_SYNTAX, plain ? fix : NULL,
			"\"%.60s\" is a command of a shell, and readers of sysctl.d skip it: write "
			"NAME = VALUE",
			text);
		return true;
	}
	if (limits_line_is(text)) {
		lint_add(
			l, line, LINT_UNREAD, "",
			"\"%.60s\" is a line of limits.conf, which readers of sysctl.d skip: move it "
			"to /etc/security/limits.d/NAME.conf",
			text);
		return true;
	}
	for (const char *c = text; *c && c < text + strcspn(text, "="); c++)
		if ((unsigned char)*c >= 0x80) {
			foreign_name_add(l, line, text);
			return true;
		}
	return false;
}

/* Whether the kernel that is judged for is that of the machine. */
static bool is_here(const struct lint *l) { return l->host && l->kernel == host_kernel(l->host); }

/* Whether the machine has a sysctl, which the list need not know: kernels of vendors have more. */
static bool machine_has(const struct lint *l, const struct assignment *a)
{
	char path[SYSCTL_PATH];
	sysctl_path(a->read.name, path);
	return is_here(l) && !a->read.pattern && host_has(l->host, path);
}

/* Whether the kernel may have more names than the list, and shows them to no one here. */
static bool may_have_more(const struct lint *l)
{
	struct host_identity here;
	if (l->kernel == UINT_MAX || l->kernel <= SYSCTLS_LISTED)
		return false;
	return !is_here(l) || !host_live(l->host) || host_identity(l->host, &here, NULL) < 0 ||
	       !here.initial;
}

static void newer_add(struct lint *l, const struct assignment *a)
{
	char version[16];
	lint_add(
		l, a->line, LINT_UNKNOWN, NULL,
		"%s is not known to epolltune, whose list of sysctls ends with Linux %s: look it up "
		"in the documentation of your kernel",
		a->read.name, kernel_text(SYSCTLS_LISTED, version));
	lint_level(l, LEVEL_NOTE);
}

static void unknown_add(struct lint *l, const struct assignment *a)
{
	const char *name = a->read.name;
	char near[SYSCTL_NAME], meant[SYSCTL_NAME], fix[LINT_TEXT] = "";
	unsigned close = (unsigned)strlen(name) / 4, alike = 0;
	if (l->guesses++ < GUESSES_MAX) {
		if (name_meant(name, meant)) {
			fix_make(a, meant, a->read.value, fix);
			lint_add(l, a->line, LINT_UNKNOWN, fix[0] ? fix : NULL,
				 "%s does not exist; write %s", name, meant);
			return;
		}
		alike = sysctl_nearest(a->general, near);
	}
	if (alike && alike >= close && sysctl_named(near, name, meant))
		lint_add(l, a->line, LINT_UNKNOWN, NULL, "%s does not exist; did you mean %s?",
			 name, meant);
	else if (sysctl_complete(a->general) && may_have_more(l))
		newer_add(l, a);
	else if (sysctl_complete(a->general) || !strchr(name, '.'))
		lint_add(l, a->line, LINT_UNKNOWN, "",
			 "%s does not exist, and the line sets nothing: remove it", name);
}

/* Whether there is such a sysctl, on the kernel in question. */
static bool name_judge(struct lint *l, struct assignment *a)
{
	const char *name = a->read.name;
	char version[16];
	const struct sysctl_history *h = sysctl_history_find(a->general);
	bool has = machine_has(l, a);
	if (h && h->until == SYSCTL_NEVER && !has) {
		lint_add(l, a->line, LINT_UNKNOWN, NULL, "%s does not exist: %s", name, h->instead);
		return false;
	}
	if (h && h->until && l->kernel >= h->until && !has) {
		/* sysctl.d(5): systemd-sysctl skips a line with a dash silently. It is for the
		 * kernels that have the name. */
		lint_add(l, a->line, LINT_GONE, a->dash[0] ? NULL : "",
			 "%s was removed in Linux %s (%s), and the line sets nothing: %s", name,
			 kernel_text(h->until, version), h->source,
			 h->instead[0] ? h->instead : "remove it");
		if (a->dash[0])
			lint_level(l, LEVEL_NOTE);
		return false;
	}
	if (h && h->since && l->kernel < h->since && !has) {
		if (!a->dash[0])
			lint_add(
				l, a->line, LINT_NEW, NULL,
				"%s exists since Linux %s, and on this kernel the line sets nothing: "
				"write -%s, which is skipped silently",
				name, kernel_text(h->since, version), name);
		return false;
	}
	if (h && h->read_only) {
		lint_add(l, a->line, LINT_READ_ONLY, "", "%s is read-only: %s", name,
			 h->instead[0] ? h->instead : "it shows a state; remove the line");
		return false;
	}
	if (h || a->knob || sysctl_known(a->general))
		return true;
	if (!has)
		unknown_add(l, a);
	return false;
}

/* `error`: that of the kernel, "EINVAL". */
static bool quotes_judge(struct lint *l, struct assignment *a, const char *error)
{
	const char *value = a->read.value;
	bool typographic = strstr(value, "\xe2\x80\x9c") || strstr(value, "\xe2\x80\x9d");
	if ((!value[0] || !strchr("\"'", value[0])) && !typographic)
		return false;
	char plain[LINT_TEXT] = "", fix[LINT_TEXT];
	for (size_t n = 0; *value; value++)
		if (!strchr("\"'", *value) && (unsigned char)*value < 0x80)
			plain[n++] = *value, plain[n] = 0;
	fix_make(a, a->read.name, plain, fix);
	lint_add(l, a->line, LINT_QUOTES, fix[0] ? fix : NULL,
		 "%s: the kernel gets the quotes and refuses the value (%s): write %s = %s",
		 a->read.name, error, a->read.name, plain);
	return true;
}

/* "16M" as a number; false: not such a word. */
static bool suffix_parse(const char *word, int64_t *value)
{
	char *end;
	errno = 0;
	*value = strtoll(word, &end, 10);
	const char *suffix = end == word ? NULL : strchr("kmgKMG", *end);
	if (errno || !suffix || !*end || (end[1] && strcmp(end + 1, "B") && strcmp(end + 1, "iB")))
		return false;
	unsigned shift = tolower(*end) == 'k' ? 10 : tolower(*end) == 'm' ? 20 : 30;
	return !__builtin_mul_overflow(*value, INT64_C(1) << shift, value);
}

/* One number of a value. False: refused. */
static bool number_judge(struct lint *l, struct assignment *a, const char *word, size_t at)
{
	char fix[LINT_TEXT], plain[32];
	int64_t meant, read, decimal = strtoll(word, NULL, 10);
	bool single = !strpbrk(a->read.value, BLANKS);
	if (!kernel_number(word, "", &read)) {
		bool suffix = suffix_parse(word, &meant);
		snprintf(plain, sizeof(plain), "%" PRId64, meant);
		if (suffix)
			fix_make(a, a->read.name, plain, fix);
		lint_add(l, a->line, LINT_REFUSED, suffix && single ? fix : NULL,
			 "%s: the kernel refuses \"%.60s\" (EINVAL): %s%s", a->read.name, word,
			 suffix ? "write " : "write decimal integers, separated by blanks",
			 suffix ? plain : "");
		return false;
	}
	if (read != decimal && word[strspn(word, "-0")] != 'x' && word[strspn(word, "-0")] != 'X') {
		snprintf(plain, sizeof(plain), "%" PRId64, decimal);
		fix_make(a, a->read.name, plain, fix);
		lint_add(l, a->line, LINT_MISREAD, single ? fix : NULL,
			 "%s: the kernel reads %s as octal, which is %" PRId64 ": write %s",
			 a->read.name, word, read, plain);
	}
	if (at < 3)
		a->field[at] = read;
	return true;
}

/* The numbers of a value as the kernel reads them. */
static bool numbers_judge(struct lint *l, struct assignment *a)
{
	size_t want = a->knob ? knob_fields(a->knob->shape) : 0, count = 0;
	int64_t number;
	char text[SYSCTL_D_VALUE], *rest = text, *word;
	snprintf(text, sizeof(text), "%s", a->read.value);
	while ((word = strsep(&rest, BLANKS))) {
		if (!*word)
			continue;
		bool comment = count && (strchr("#;", *word) || !strncmp(word, "//", 2));
		/* Where the number of fields is unknown, a word that is not a number ends them. */
		bool behind = want ? count == want : count && !kernel_number(word, "", &number);
		if (comment || behind) {
			char fix[LINT_TEXT], plain[SYSCTL_D_VALUE];
			snprintf(plain, sizeof(plain), "%.*s", (int)(word - text), a->read.value);
			plain[strcspn(plain, "#;")] = 0;
			for (size_t n = strlen(plain); n && isblank((unsigned char)plain[n - 1]);
			     n--)
				plain[n - 1] = 0;
			fix_make(a, a->read.name, plain, fix);
			lint_add(l, a->line, LINT_MISREAD, fix[0] ? fix : NULL,
				 "%s: the kernel reads %s and ignores what follows: %s",
				 a->read.name, plain,
				 comment ? "write comments on lines of their own"
				 : want  ? "write no more fields than it has"
					 : "write the number alone");
			break;
		}
		if (!number_judge(l, a, word, count++))
			return false;
	}
	if (want && count < want)
		lint_add(l, a->line, LINT_MISREAD, NULL,
			 "%s has %zu fields, and the line sets %zu of them; the others keep their "
			 "values: write all",
			 a->read.name, want, count);
	return true;
}

static bool range_judge(struct lint *l, const struct assignment *a)
{
	const struct knob *k = a->knob;
	for (size_t i = 0; k && i < knob_fields(k->shape); i++) {
		int64_t value = a->field[i];
		if (value == REPORT_NONE || (value >= k->min && value <= k->max))
			continue;
		bool refused = value < k->min ? knob_refuses_less(k, l->kernel)
					      : knob_refuses_more(k, l->kernel);
		lint_add(l, a->line, refused ? LINT_REFUSED : LINT_UNIT, NULL,
			 "%s: %" PRId64 " is outside %" PRId64 " to %" PRId64
			 ", %s: run epolltune explain %s",
			 a->read.name, value, k->min, k->max,
			 refused ? "and the kernel refuses the line (EINVAL)"
				 : "the values that have a meaning",
			 k->name);
		return false;
	}
	return true;
}

/* The page of the largest kind. */
#define PAGE_MAX 65536

/* Whether the first field of three may exceed the second: that of the kernel's own tcp_wmem is a
 * page (net/ipv4/tcp.c, tcp_init()). */
static bool is_page(const struct lint *l, const struct knob *k, int64_t first)
{
	return !strcmp(k->unit, "B") &&
	       first == (l->page_bytes ? (int64_t)l->page_bytes : PAGE_MAX);
}

static bool order_judge(struct lint *l, const struct assignment *a)
{
	const int64_t *f = a->field;
	if (!a->knob || f[1] == REPORT_NONE)
		return true;
	if (a->knob->shape == KNOB_RANGE && f[0] > f[1]) {
		lint_add(l, a->line, LINT_REFUSED, NULL,
			 "%s: the low end %" PRId64 " is above the high end %" PRId64
			 ", and the kernel refuses the line (EINVAL): write low, then high",
			 a->read.name, f[0], f[1]);
		return false;
	}
	bool first = f[0] > f[1] && !is_page(l, a->knob, f[0]);
	if (a->knob->shape == KNOB_TRIPLE && f[2] != REPORT_NONE && (first || f[1] > f[2])) {
		lint_add(
			l, a->line, LINT_ORDER, NULL,
			"%s: the kernel takes %s, but the fields are min, default and max: write them "
			"ascending",
			a->read.name, a->read.value);
		return false;
	}
	return true;
}

static bool myth_judge(struct lint *l, const struct assignment *a)
{
	struct machine m = {.kernel = l->kernel,
			    .memory_bytes = l->memory_bytes,
			    .page_bytes = l->page_bytes,
			    .time_wait_overflow = -1};
	for (size_t i = 0; i < myth_count(); i++) {
		const struct myth *myth = myth_at(i);
		for (size_t k = 0; k < 3 && myth->knobs[k]; k++) {
			struct value_rule v = {.machine = &m, .level = myth->level};
			memcpy(v.field, a->field, sizeof(v.field));
			if (!sysctl_same(myth->knobs[k], a->read.name) || !myth->followed(&v))
				continue;
			lint_add(l, a->line, LINT_CLASSIC, "", "%s = %s %s: %s Remove the line.",
				 a->read.name, a->read.value, myth->effect, myth_reason(myth));
			lint_level(l, v.level);
			return true;
		}
	}
	return false;
}

static bool unit_judge(struct lint *l, const struct assignment *a)
{
	const char *name = a->read.name;
	const int64_t *f = a->field;
	bool pages = !strcmp(name, "net.ipv4.tcp_mem");
	if (pages && l->memory_bytes && l->page_bytes)
		return myth_judge(l, a);
	/* Of an unknown machine: 16 GiB or more, in a number that bytes have. */
	if (pages && f[2] >= 4194304 && f[2] % 1024 == 0) {
		lint_add(l, a->line, LINT_UNIT, NULL,
			 "%s counts pages, and %" PRId64 " of them are %" PRId64
			 " GiB: unless the machine has more memory, remove the line, or divide "
			 "bytes by 4096",
			 name, f[2], f[2] >> 18);
		return true;
	}
	if (!strcmp(name, "net.ipv4.tcp_fin_timeout") && f[0] > 3600) {
		lint_add(l, a->line, LINT_UNIT, NULL,
			 "%s counts seconds: %" PRId64 " are %" PRId64
			 " hours; for milliseconds divide by 1000",
			 name, f[0], f[0] / 3600);
		return true;
	}
	bool triple = !strcmp(name, "net.ipv4.tcp_rmem") || !strcmp(name, "net.ipv4.tcp_wmem");
	bool single = !strcmp(name, "net.core.rmem_max") || !strcmp(name, "net.core.wmem_max");
	int64_t bytes = triple ? f[2] : single ? f[0] : REPORT_NONE;
	if (bytes >= 0 && bytes < 65536) {
		lint_add(l, a->line, LINT_UNIT, NULL,
			 "%s counts bytes, and %" PRId64
			 " is less than a segment burst: for kilobytes "
			 "multiply by 1024",
			 name, bytes);
		return true;
	}
	return false;
}

/* "about 15728640", "33554432 (with 4 GiB of memory or more)". Returns whether no doubt is left. */
static bool own_format(const struct lint *l, const struct sysctl_own *o, int64_t own, char text[80])
{
	uint64_t memory = sysctl_own_memory(o);
	bool less = own < o->value, unknown = memory && !l->memory_bytes;
	snprintf(text, 80, "%s%" PRId64 "%s%s%s", less ? "about " : "", own,
		 unknown ? " (with " : "", unknown ? quantity_show(QUANTITY_SIZE, memory).text : "",
		 unknown ? " of memory or more)" : "");
	return !unknown;
}

static void lowers_judge(struct lint *l, const struct assignment *a)
{
	for (unsigned field = 0; field < 3; field++) {
		int64_t own, value = a->field[field];
		char text[80];
		const struct sysctl_own *o =
			sysctl_own_find(a->general, field, l->kernel, l->memory_bytes, &own);
		if (!o || value == REPORT_NONE)
			continue;
		/* What the kernel does not count of the memory is less than an eighth. */
		if (o->above ? value <= own : value >= own - (own < o->value ? own / 8 : 0))
			continue;
		bool sure = own_format(l, o, own, text);
		lint_add(l, a->line, LINT_LOWERS, field || !sure ? NULL : "",
			 "%s: %" PRId64 " is %s the kernel's own %s: %s; remove the line",
			 a->read.name, value, o->above ? "above" : "below", text, o->why);
		/* A start that is smaller than today's is a matter of taste. */
		if (!strncmp(o->name, "net.ipv4.tcp_", 13) && field == 1)
			lint_level(l, LEVEL_NOTE);
	}
	if (!strcmp(a->read.name, "net.ipv4.tcp_mem"))
		lint_add(
			l, a->line, LINT_AUTOMATIC, NULL,
			"%s is computed from the machine's memory (pressure at a sixteenth), which the "
			"line ends: remove it, unless check finds buffers.memory short",
			a->read.name);
}

/* `later`: rows that depend on other lines, once all are read. */
static void advice_judge(struct lint *l, const struct assignment *a, bool later)
{
	const struct sysctl_advice *row;
	for (size_t i = 0; (row = sysctl_advice_at(i)); i++) {
		int64_t value = a->field[row->field];
		if (strcmp(row->name, a->general) != 0 || !!row->unless != later ||
		    value == REPORT_NONE || value < row->low || value > row->high)
			continue;
		if (row->unless) {
			char name[SYSCTL_NAME];
			size_t length = strcspn(row->unless, "=");
			snprintf(name, sizeof(name), "%.*s", (int)length, row->unless);
			const struct lint_value *v = sysctl_value_find(l, name);
			if (v && !strcmp(v->value, row->unless + length + 1))
				continue;
		}
		lint_add(l, a->line, LINT_CLASSIC, row->level > LEVEL_NOTE ? "" : NULL,
			 "%s = %s: %s (%s); remove the line", a->read.name, a->read.value, row->why,
			 row->source);
		lint_level(l, row->level);
	}
}

static void module_judge(struct lint *l, const struct assignment *a)
{
	char command[MODULE_COMMAND];
	const char *module = l->host ? module_late(l->host, a->general) : sysctl_module(a->general);
	if (!module)
		return;
	lint_add(l, a->line, LINT_MODULE, NULL,
		 "%s exists only while %s is loaded, often later than the files are read: %s",
		 a->read.name, module, module_command(module, command));
	if (l->host)
		lint_level(l, LEVEL_WARNING);
}

/* The end of a long list was not read. */
static void ports_judge(struct lint *l, const struct assignment *a)
{
	char taken[KNOB_VALUE], decimal[KNOB_VALUE];
	if (strlen(a->read.value) >= KNOB_VALUE)
		return;
	if (!knob_at_boot(a->knob, l->kernel, l->page_bytes, a->read.value, "", taken))
		lint_add(l, a->line, LINT_REFUSED, NULL,
			 "%s: \"%s\" is no list of ports: write 8080,9000-9010", a->read.name,
			 a->read.value);
	else if (knob_check(a->knob, a->read.value, decimal, NULL) == 0 && strcmp(taken, decimal))
		lint_add(l, a->line, LINT_MISREAD, NULL,
			 "%s: the kernel reads %s with octal numbers, which is %s: write %s",
			 a->read.name, a->read.value, taken, decimal);
}

/* What follows the word, or a comment that follows words. */
static void word_judge(struct lint *l, const struct assignment *a, const struct sysctl_word *w)
{
	char plain[SYSCTL_D_VALUE], fix[LINT_TEXT];
	size_t n = strcspn(a->read.value, w->several ? "#;" : BLANKS "#;");
	if (!a->read.value[n])
		return;
	while (n && isblank((unsigned char)a->read.value[n - 1]))
		n--;
	snprintf(plain, sizeof(plain), "%.*s", (int)n, a->read.value);
	fix_make(a, a->read.name, plain, fix);
	if (w->ends)
		lint_add(
			l, a->line, LINT_MISREAD, n && fix[0] ? fix : NULL,
			"%s: the kernel reads %s and ignores what follows: write comments on lines "
			"of their own",
			a->read.name, plain);
	else
		lint_add(
			l, a->line, LINT_REFUSED, n && fix[0] ? fix : NULL,
			"%s: the kernel takes the whole line for %s and refuses it (%s): write %s = "
			"%s, and comments on lines of their own",
			a->read.name, w->several ? "names" : "one word", w->error, a->read.name,
			n ? plain : "VALUE");
}

static void value_judge(struct lint *l, struct assignment *a)
{
	const struct sysctl_word *w = sysctl_word_find(a->general);
	const char *error = w ? w->error : "EINVAL";
	bool empty = w ? w->empty : a->knob && a->knob->shape == KNOB_PORTS;
	if (sysctl_is_text(a->general))
		return;
	if (!a->read.value[0] && !empty) {
		lint_add(l, a->line, LINT_REFUSED, NULL,
			 "%s has no value, and the kernel refuses the line (%s): write one",
			 a->read.name, error);
		return;
	}
	if (quotes_judge(l, a, error))
		return;
	if (w) {
		word_judge(l, a, w);
		return;
	}
	if (a->knob && a->knob->shape == KNOB_PORTS) {
		ports_judge(l, a);
		return;
	}
	/* The end of a long list was not read. */
	bool numeric = a->knob || (!a->read.cut && strchr("0123456789+-", a->read.value[0]));
	if (!numeric || !numbers_judge(l, a) || !range_judge(l, a) || !order_judge(l, a) ||
	    unit_judge(l, a))
		return;
	lowers_judge(l, a);
	if (!myth_judge(l, a))
		advice_judge(l, a, false);
}

static void assignment_init(struct assignment *a, const struct lint_line *line)
{
	a->line = line;
	a->knob = knob_find(sysctl_key(a->read.name));
	for (size_t i = 0; i < 3; i++)
		a->field[i] = REPORT_NONE;
}

/* Counts a name that was not judged: the trees that epolltune knows only in part have more. */
static void unjudged_count(struct lint *l, const char *name)
{
	char *names = l->unjudged_names, one[SYSCTL_NAME + 4];
	char list[sizeof(l->unjudged_names) + 4], whole[SYSCTL_NAME + 4];
	size_t used = strlen(names), room = sizeof(l->unjudged_names);
	snprintf(list, sizeof(list), ", %s, ", names);
	snprintf(whole, sizeof(whole), ", %s, ", name);
	if (strstr(list, whole))
		return;
	l->unjudged++;
	snprintf(one, sizeof(one), "%s%s", used ? ", " : "", name);
	if (used + strlen(one) + strlen(", …") < room)
		strcpy(names + used, one);
	else if (!strstr(names, "…"))
		strcpy(names + used, used ? ", …" : "…");
}

/* Whether the kernel refuses a value, by the problems from `first` on. */
static bool is_refused(const struct lint *l, size_t first)
{
	bool refused = false;
	for (size_t i = first; i < l->count; i++)
		refused |=
			l->problems[i].rule == LINT_REFUSED || l->problems[i].rule == LINT_QUOTES;
	return refused;
}

static void line_judge(struct lint *l, const struct lint_line *line)
{
	struct assignment a = {.dash = ""};
	const char *text = line->text + strspn(line->text, BLANKS);
	if (!*text || foreign_judge(l, line))
		return;
	if (!sysctl_d_line(text, strlen(text), &a.read)) {
		if (*text != '#' && *text != ';')
			lint_add(l, line, LINT_SYNTAX, NULL,
				 "\"%.60s\" has no NAME = VALUE, and readers skip it: write %s",
				 text, "one assignment a line, or # before a comment");
		return;
	}
	snprintf(a.dash, sizeof(a.dash), "%s", *text == '-' ? "-" : "");
	if (a.read.exclude) {
		/* For procps it ends no assignment by name, and TuneD skips it. */
		if (l->reader == SYSCTL_SYSTEMD)
			lint_value_keep(l, &l->values, line, a.read.name, NULL, a.read.pattern);
		return;
	}
	assignment_init(&a, line);
	if (strpbrk(a.read.name, BLANKS ":")) {
		lint_add(l, line, LINT_SYNTAX, NULL,
			 "\"%.60s\" is no name of a sysctl: write NAME = VALUE", a.read.name);
		return;
	}
	size_t before = l->count, kept = l->values.count;
	lint_value_keep(l, &l->values, line, a.read.name, a.read.value, a.read.pattern);
	if (a.read.pattern || !sysctl_general(sysctl_key(a.read.name), a.general))
		return;
	if (!name_judge(l, &a)) {
		if (l->count == before && !sysctl_history_find(a.general))
			unjudged_count(l, a.read.name);
		return;
	}
	value_judge(l, &a);
	if (kept < l->values.count)
		l->values.at[kept].refused = is_refused(l, before);
	if (l->count == before || l->problems[l->count - 1].level < LEVEL_CRITICAL)
		module_judge(l, &a);
}

/* A line that sets nothing does no harm; corrected, it may. So the corrected line is judged as
 * well: its own fix replaces it, and a problem that has none leaves the line as it is. */
static void fix_confirm(struct lint *l, struct lint_problem *p)
{
	struct lint again = {.kernel = l->kernel,
			     .host = l->host,
			     .reader = l->reader,
			     .memory_bytes = l->memory_bytes,
			     .page_bytes = l->page_bytes,
			     .guesses = l->guesses,
			     .depth = l->depth + 1};
	const struct lint_line line = {p->file, p->fix, p->line};
	const struct lint_problem *worst = NULL;
	if (l->depth < FIXES_MAX)
		sysctl_line_judge(&again, &line);
	for (size_t i = 0; i < again.count; i++) {
		const struct lint_problem *q = &again.problems[i];
		if (q->level > LEVEL_NOTE && !(worst && worst->fix && !worst->fix[0]))
			worst = q;
	}
	if (worst || l->depth >= FIXES_MAX) {
		free(p->fix);
		p->fix = worst && worst->fix ? strdup(worst->fix) : NULL;
		l->failed |= worst && worst->fix && !p->fix;
	}
	l->failed |= again.failed;
	l->guesses = again.guesses;
	lint_close(&again);
}

/* Whether --fix removes a line, by its problems from `first` on. */
static bool is_removed(const struct lint *l, size_t first)
{
	bool removed = false;
	for (size_t i = first; i < l->count; i++)
		removed |= l->problems[i].fix && !l->problems[i].fix[0];
	return removed;
}

void sysctl_line_judge(struct lint *l, const struct lint_line *line)
{
	size_t before = l->count, kept = l->values.count;
	line_judge(l, line);
	for (size_t i = before; i < l->count; i++)
		if (l->problems[i].fix && l->problems[i].fix[0])
			fix_confirm(l, &l->problems[i]);
	if (kept < l->values.count)
		l->values.at[kept].removed = is_removed(l, before);
}

void sysctl_value_advise(struct lint *l, struct lint_value *v)
{
	size_t before = l->count;
	struct assignment a = {.dash = ""};
	struct lint_line line = {v->file, "", v->line};
	snprintf(a.read.name, sizeof(a.read.name), "%s", v->name);
	snprintf(a.read.value, sizeof(a.read.value), "%s", v->value);
	assignment_init(&a, &line);
	if (!v->pattern && sysctl_general(v->key, a.general) &&
	    kernel_number(v->value, BLANKS, &a.field[0]))
		advice_judge(l, &a, true);
	v->removed |= is_removed(l, before);
}
