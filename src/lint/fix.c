/* Prints the corrected files as a unified diff. */
#include "base/array.h"
#include "lint/lint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

#define CONTEXT 3

struct change {
	unsigned line;
	const char *text; /* "": the line goes */
};

struct patch {
	struct change *at;
	size_t count;
};

/* One change a line: removing beats replacing. */
static void change_add(struct patch *p, const struct lint_problem *problem)
{
	struct change *last = p->count ? &p->at[p->count - 1] : NULL;
	if (last && last->line == problem->line) {
		if (!problem->fix[0])
			last->text = "";
		return;
	}
	p->at[p->count++] = (struct change){problem->line, problem->fix};
}

struct lines {
	struct lint_text text; /* with a NUL behind each line */
	char **at;
	size_t count;
	bool newline; /* at the end of the last one */
};

static void lines_free(struct lines *l)
{
	lint_text_free(&l->text);
	free(l->at);
}

static int fix_lines_read(const struct lint *l, struct lines *out, const char *file, struct err *e)
{
	int rc = lint_text_read(l, file, &out->text, e);
	for (char *next = out->text.bytes; rc == 0 && next && *next;) {
		char **more = array_add(&out->at, &out->count, sizeof(*more));
		if (!more)
			return err_set(e, ENOMEM, "lint: out of memory");
		*more = next;
		next += strcspn(next, "\n");
		out->newline = *next;
		if (*next)
			*next++ = 0;
	}
	return rc;
}

static void line_print(FILE *out, const struct lines *l, char sign, size_t i, const char *text)
{
	fprintf(out, "%c%s\n", sign, text);
	if (i + 1 == l->count && !l->newline)
		fprintf(out, "\\ No newline at end of file\n");
}

/* Prints the changes from `first` on that share a hunk. Returns the next one. */
static size_t hunk_print(FILE *out, const struct lines *l, const struct patch *p, size_t first,
			 long *shift)
{
	size_t end = first + 1, gone = 0;
	while (end < p->count && p->at[end].line - p->at[end - 1].line <= 2 * CONTEXT)
		end++;
	for (size_t i = first; i < end; i++)
		gone += !p->at[i].text[0];
	size_t from = p->at[first].line > CONTEXT ? p->at[first].line - CONTEXT : 1;
	size_t to = p->at[end - 1].line + CONTEXT;
	to = to < l->count ? to : l->count;
	size_t old = to - from + 1;
	long start = (long)from + *shift;
	fprintf(out, "@@ -%zu,%zu +%ld,%zu @@\n", from, old, old == gone ? start - 1 : start,
		old - gone);
	for (size_t line = from, next = first; line <= to; line++) {
		const char *text = l->at[line - 1];
		if (next == end || p->at[next].line != line) {
			line_print(out, l, ' ', line - 1, text);
			continue;
		}
		line_print(out, l, '-', line - 1, text);
		if (p->at[next].text[0])
			line_print(out, l, '+', line - 1, p->at[next].text);
		next++;
	}
	*shift -= (long)gone;
	return end;
}

/* The name of a file for patch(1), which follows no link: that of the file behind it, below the
 * machine's root, or below the working directory where it is there. */
static void target_find(const struct lint *l, const char *file, char target[PATH_MAX + 1])
{
	char real[PATH_MAX], here[PATH_MAX];
	struct stat st;
	snprintf(target, PATH_MAX + 1, "%s", file);
	if (l->host) {
		if (host_resolve(l->host, file + 1, real, NULL) == 0)
			snprintf(target, PATH_MAX + 1, "/%s", real);
		return;
	}
	if (lstat(file, &st) < 0 || !S_ISLNK(st.st_mode) || !realpath(file, real))
		return;
	size_t length = getcwd(here, sizeof(here)) ? strlen(here) : 0;
	bool below = length > 1 && !strncmp(real, here, length) && real[length] == '/';
	snprintf(target, PATH_MAX + 1, "%s", real + (below ? length + 1 : 0));
}

/* The files that were printed: several names may lead to one. */
struct printed {
	char **at;
	size_t count;
};

static void printed_free(struct printed *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->at[i]);
	free(p->at);
}

static bool printed_has(const struct printed *p, const char *file)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->at[i], file))
			return true;
	return false;
}

static int printed_add(struct printed *p, const char *file, struct err *e)
{
	char *copy = strdup(file);
	char **more = copy ? array_add(&p->at, &p->count, sizeof(*more)) : NULL;
	if (more)
		*more = copy;
	else
		free(copy);
	return more ? 0 : err_set(e, ENOMEM, "lint: out of memory");
}

static int file_print(const struct lint *l, const char *file, const struct patch *p,
		      struct printed *all, FILE *out, struct err *e)
{
	CLEAN(lines_free) struct lines lines = {0};
	char target[PATH_MAX + 1];
	target_find(l, file, target);
	if (printed_has(all, target))
		return 0;
	int rc = fix_lines_read(l, &lines, file, e);
	if (rc == 0)
		rc = printed_add(all, target, e);
	if (rc < 0 || p->at[p->count - 1].line > lines.count)
		return rc;
	fprintf(out, "--- %s\n+++ %s\n", target, target);
	long shift = 0;
	for (size_t i = 0; i < p->count;)
		i = hunk_print(out, &lines, p, i, &shift);
	return 0;
}

int lint_fix(const struct lint *l, FILE *out, struct err *e)
{
	CLEAN(printed_free) struct printed all = {0};
	struct patch p = {calloc(l->count + 1, sizeof(*p.at)), 0};
	int rc = p.at ? 0 : err_set(e, ENOMEM, "lint: out of memory");
	for (size_t i = 0; i < l->count && rc == 0; i++) {
		const struct lint_problem *problem = &l->problems[i];
		if (problem->fix && problem->line)
			change_add(&p, problem);
		bool last = i + 1 == l->count || strcmp(l->problems[i + 1].file, problem->file);
		if (last && p.count)
			rc = file_print(l, problem->file, &p, &all, out, e);
		if (last)
			p.count = 0;
	}
	free(p.at);
	return rc;
}
