/* The findings that an operator accepts: by --ignore, in a saved target, in a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lines.h"
#include "check/accepted.h"
#include "epolltune/catalogue.h"
#include "epolltune/list.h"
#include "epolltune/quantity.h"

#define FILE_OF_HOST "/etc/epolltune/accepted"

int accepted_parse(const char *value, void *accepted, struct err *e)
{
	struct accepted *to = accepted;
	const size_t length = strcspn(value, "@="), whose = strcspn(value, "=");
	const char *about = value[whose] ? value + whose + 1 : "";
	const char *wall = length < whose ? value + length + 1 : value + whose;
	const int wall_length = (int)(value + whose - wall);
	if (to->count == ACCEPTED_MAX)
		return err_set(e, EINVAL, "more than %d findings", ACCEPTED_MAX);
	struct acceptance *a = &to->at[to->count];
	*a = (struct acceptance){.value = REPORT_NONE};
	snprintf(a->id, sizeof(a->id), "%.*s", (int)length, value);
	snprintf(a->wall, sizeof(a->wall), "%.*s", wall_length, wall);
	snprintf(a->about, sizeof(a->about), "%s", about);
	if (length >= sizeof(a->id) || !finding_row_find(a->id))
		return err_set(e, EINVAL,
			       "no finding \"%.60s\"; for their names: epolltune list findings",
			       value);
	if (length < whose && (wall_length >= (int)sizeof(a->wall) || !wall_row_find(a->wall)))
		return err_set(e, EINVAL, "no wall \"%.*s\"; for their names: epolltune list walls",
			       wall_length < 60 ? wall_length : 60, wall);
	if (value[whose] && (!about[0] || strlen(about) >= sizeof(a->about)))
		return err_set(e, EINVAL, "\"%.60s\": no text after \"=\", or too long", value);
	to->count++;
	return 0;
}

static int until_parse(const char *word, struct acceptance *a, struct err *e)
{
	if (!strcmp(word, "never") || acceptance_until(word, &a->until))
		return 0;
	return err_set(e, EINVAL, "until \"%.40s\": not a date such as 2027-01-31, nor never",
		       word);
}

static int value_parse(const char *word, struct acceptance *a, struct err *e)
{
	uint64_t value;
	if (!strcmp(word, "-"))
		return 0;
	if (!a->wall[0] && !*finding_wall(finding_row_find(a->id)))
		return err_set(e, EINVAL, "%s belongs to no wall: its value is \"-\"", a->id);
	int rc = quantity_parse("value", QUANTITY_COUNT, word, 0, INT64_MAX, &value, e);
	a->value = rc ? REPORT_NONE : (int64_t)value;
	return rc;
}

/* The next word, "" at the end; *rest is behind it and the blanks that follow. */
static char *word_take(char **rest)
{
	char *word = *rest;
	size_t length = strcspn(word, " \t");
	*rest = word + length + strspn(word + length, " \t");
	word[length] = 0;
	return word;
}

/* "accept-queue.short@accept-queue 2027-01-31 4097 the batch host is replaced in January" */
static int line_take(char *line, void *accepted, struct err *e)
{
	struct accepted *to = accepted;
	char *id = word_take(&line), *until = word_take(&line), *value = word_take(&line);
	if (!*line)
		return err_set(e, EINVAL, "not \"ID[@WALL][=ABOUT] UNTIL VALUE REASON\"");
	int rc = accepted_parse(id, to, e);
	if (rc)
		return rc;
	struct acceptance *a = &to->at[to->count - 1];
	if (strlen(line) >= sizeof(a->reason))
		return err_set(e, EINVAL, "the reason is longer than %zu bytes",
			       sizeof(a->reason) - 1);
	snprintf(a->reason, sizeof(a->reason), "%s", line);
	rc = until_parse(until, a, e);
	return rc ? rc : value_parse(value, a, e);
}

static int ignored_parse(const char *list, struct accepted *out, struct err *e)
{
	struct list_item item;
	struct report *unused = NULL;
	char value[sizeof(unused->ignored)];
	if (list && strlen(list) >= sizeof(unused->ignored))
		return err_set(e, EINVAL, "--ignore: longer than %zu bytes",
			       sizeof(unused->ignored) - 1);
	while (list_next(&list, &item)) {
		snprintf(value, sizeof(value), "%.*s", item.length, item.text);
		if (accepted_parse(value, out, e))
			return err_prefix(e, "--ignore");
	}
	return 0;
}

int accepted_read(const char *path, struct accepted *out, struct err *e)
{
	return lines_read(path, line_take, out, e);
}

int accepted_gather(const struct accepted *saved, const char *ignore, bool live,
		    struct accepted *out, struct err *e)
{
	*out = *saved;
	int rc = ignored_parse(ignore, out, e);
	if (!rc && live)
		rc = accepted_read(FILE_OF_HOST, out, e);
	return rc == -ENOENT ? 0 : rc;
}
