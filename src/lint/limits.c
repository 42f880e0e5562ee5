/* Judges the lines of limits.conf. */
#include "lint/lint.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/list.h"

#define SYSTEMD_HARD 524288 /* DefaultLimitNOFILE= since systemd 240 */

static const char items[] =
	"core,data,fsize,memlock,nofile,rss,stack,cpu,nproc,as,maxlogins,"
	"maxsyslogins,nonewprivs,priority,locks,sigpending,msgqueue,nice,rtprio,"
	"chroot,rttime";
/* Those that are no pair of a soft and a hard limit: any type will do. */
static const char without_type[] = "maxlogins,maxsyslogins,nonewprivs";

struct words {
	char at[7][64];
	int count; /* up to a comment */
};

/* As pam_limits reads them: a domain as it is written, all else in lower case. */
static struct words words_of(const char *text)
{
	struct words w = {.count = 0};
	char line[LINT_LINE], *rest = line, *word;
	snprintf(line, sizeof(line), "%s", text);
	line[strcspn(line, "#")] = 0;
	while (w.count < 7 && (word = strsep(&rest, " \t\r")))
		if (*word)
			snprintf(w.at[w.count++], sizeof(w.at[0]), "%s", word);
	for (int i = 1; i < w.count; i++)
		for (char *c = w.at[i]; *c; c++)
			*c = (char)tolower((unsigned char)*c);
	return w;
}

static bool type_is(const char *word)
{
	return !strcmp(word, "soft") || !strcmp(word, "hard") || !strcmp(word, "-");
}

static bool is_unlimited(const char *value)
{
	return !strcmp(value, "unlimited") || !strcmp(value, "infinity") || !strcmp(value, "-1") ||
	       !strcmp(value, "-");
}

bool limits_line_is(const char *text)
{
	struct words w = words_of(text);
	return w.count >= 3 && type_is(w.at[1]) && list_has(items, w.at[2]);
}

/* Soft above hard, in two lines of one domain that follow each other. */
static void order_judge(struct lint *l, const struct lint_line *line, const struct words *w,
			long long value, struct limits_state *s)
{
	if (strcmp(s->domain, w->at[0]) != 0) {
		snprintf(s->domain, sizeof(s->domain), "%s", w->at[0]);
		s->soft = s->hard = -1;
	}
	if (w->at[1][0] != 'h')
		s->soft = value;
	if (w->at[1][0] != 's')
		s->hard = value;
	if (s->soft >= 0 && s->hard >= 0 && s->soft > s->hard) {
		lint_add(
			l, line, LINT_ORDER, NULL,
			"%s: soft nofile %lld is above hard nofile %lld, so the hard limit is what a "
			"session gets: raise the hard one",
			w->at[0], s->soft, s->hard);
		s->soft = -1;
	}
}

bool nr_open_format(const struct lint *l, long long limit, long long *nr_open, char text[64])
{
	bool beyond = !l->nr_open && limit > NR_OPEN_MAX, known = l->nr_open || beyond;
	*nr_open = l->nr_open ? l->nr_open : beyond ? NR_OPEN_MAX : NR_OPEN_DEFAULT;
	snprintf(text, 64, "(%s%lld%s)", beyond ? "at most " : "", *nr_open,
		 known ? "" : " where systemd does not raise it");
	return known;
}

/* modules/pam_limits/pam_limits.c, setup_limits(). */
static void soft_cut_add(struct lint *l, const struct lint_line *line, const char *value,
			 const char *nr_open, bool known)
{
	lint_add(l, line, LINT_CAPPED, NULL,
		 "soft nofile %s is above fs.nr_open %s, and pam_limits cuts it to the hard "
		 "limit of the session: write a number, such as 65536",
		 value, nr_open);
	if (!known)
		lint_level(l, LEVEL_NOTE);
}

/* kernel/sys.c, do_prlimit(). */
static void hard_above_add(struct lint *l, const struct lint_line *line, const char *value,
			   const char *nr_open, bool known)
{
	if (known) {
		lint_add(l, line, LINT_REFUSED, NULL,
			 "nofile %s is above fs.nr_open %s: setrlimit() fails with EPERM "
			 "and logins may fail; raise fs.nr_open first",
			 value, nr_open);
	} else {
		lint_add(l, line, LINT_CAPPED, NULL,
			 "nofile %s is above fs.nr_open %s, and there setrlimit() fails with "
			 "EPERM: check sysctl fs.nr_open",
			 value, nr_open);
		lint_level(l, LEVEL_NOTE);
	}
}

static void files_judge(struct lint *l, const struct lint_line *line, const struct words *w,
			struct limits_state *s)
{
	long long nr_open;
	char *end, text[64];
	/* As pam_limits reads it: up to the first other character, and -5 as 2^64 - 5. */
	uint64_t read = strtoull(w->at[3], &end, 10);
	long long value = read < LLONG_MAX ? (long long)read : LLONG_MAX;
	bool soft = w->at[1][0] == 's', known = nr_open_format(l, value, &nr_open, text);
	if (is_unlimited(w->at[3]) && soft) {
		soft_cut_add(l, line, w->at[3], text, true);
	} else if (is_unlimited(w->at[3])) {
		lint_add(l, line, LINT_CAPPED, NULL,
			 "nofile %s is fs.nr_open %s since Linux-PAM 1.5.2; an older one fails "
			 "with EPERM, and logins may fail: write a number, such as 65536",
			 w->at[3], text);
	} else if (end == w->at[3]) {
		lint_add(l, line, LINT_REFUSED, NULL,
			 "nofile \"%s\" is not a number: write a decimal integer", w->at[3]);
	} else if (*end) {
		lint_add(l, line, LINT_MISREAD, NULL,
			 "nofile \"%s\": pam_limits reads %" PRIu64
			 " and ignores what follows: write a decimal integer",
			 w->at[3], read);
	} else {
		if (value > nr_open && soft)
			soft_cut_add(l, line, w->at[3], text, known);
		else if (value > nr_open)
			hard_above_add(l, line, w->at[3], text, known);
		else if (value < 1024)
			lint_add(l, line, LINT_LOWERS, NULL,
				 "nofile %lld is below the kernel's own 1024: remove the line",
				 value);
		order_judge(l, line, w, value, s);
	}
}

/* The same limit for a unit, "65536:524288": one number would lower the hard limit of systemd. "":
 * the value is none for a unit. */
static const char *unit_limit(const struct lint *l, const char *value, char text[48])
{
	long long nr_open = l->nr_open ? l->nr_open : NR_OPEN_DEFAULT;
	char *end;
	long long files = strtoll(value, &end, 10);
	text[0] = 0;
	if (!*end && files >= 1024 && files <= nr_open)
		snprintf(text, 48, "%lld%s", files, files < SYSTEMD_HARD ? ":524288" : "");
	return text;
}

/* What follows the four words, of which sscanf() of pam_limits takes no notice: a second limit,
 * with or without its domain, is lost. */
static void rest_judge(struct lint *l, const struct lint_line *line, const struct words *w)
{
	bool second = false;
	for (int i = 4; i + 1 < w->count; i++)
		second |= type_is(w->at[i]) && list_has(items, w->at[i + 1]);
	if (second)
		lint_add(l, line, LINT_SYNTAX, NULL,
			 "\"%s\" follows the value: write one limit a line", w->at[4]);
	else
		lint_add(l, line, LINT_MISREAD, NULL,
			 "pam_limits ignores \"%s\" and what follows: write comments behind #",
			 w->at[4]);
}

void limits_line_judge(struct lint *l, const struct lint_line *line, struct limits_state *s)
{
	struct words w = words_of(line->text);
	struct sysctl_line sysctl;
	char unit[48];
	if (!w.count)
		return;
	if (strchr(line->text, '=') && sysctl_d_line(line->text, strlen(line->text), &sysctl) &&
	    strchr(sysctl.name, '.')) {
		lint_add(l, line, LINT_UNREAD, "",
			 "%s is a sysctl, and pam_limits does not read sysctls: move the line to "
			 "/etc/sysctl.d/NAME.conf",
			 sysctl.name);
		return;
	}
	/* "DOMAIN -" alone exempts a domain. */
	if (w.count == 2 && w.at[1][0] == '-')
		return;
	if (w.count < 4 || (!type_is(w.at[1]) && !list_has(without_type, w.at[2]))) {
		lint_add(
			l, line, LINT_SYNTAX, NULL,
			"\"%.80s\" is not DOMAIN soft|hard|- ITEM VALUE: pam_limits skips the line",
			line->text);
		return;
	}
	if (!list_has(items, w.at[2])) {
		lint_add(l, line, LINT_UNKNOWN, NULL,
			 "pam_limits has no item \"%s\"; for descriptors write nofile", w.at[2]);
		return;
	}
	if (w.count > 4)
		rest_judge(l, line, &w);
	if (!strcmp(w.at[2], "nofile"))
		files_judge(l, line, &w, s);
	if (!strcmp(w.at[0], "*") && !strcmp(w.at[2], "nofile") && !s->root_said) {
		s->root_said = true;
		lint_add(
			l, line, LINT_CLASSIC, NULL,
			"* does not mean services of systemd nor, on Debian and Ubuntu, root: for a "
			"service write LimitNOFILE=%s in its unit",
			unit_limit(l, w.at[3], unit));
	}
}
