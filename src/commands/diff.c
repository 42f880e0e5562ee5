#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/command.h"
#include "epolltune/cleanup.h"
#include "report/compare.h"
#include "report/parse.h"

static int print(const char *format, const char *color, const struct report *before,
		 const struct report *after, struct err *e)
{
	if (strcmp(format, "text") == 0) {
		struct render_style style = render_style_for(stdout, color);
		return compare_text(stdout, before, after, &style, e);
	}
	json_t *root =
		json_pack("{s:s, s:s}", "schema", "epolltune.diff/1", "version", EPOLLTUNE_VERSION);
	json_t *body = compare_json(before, after);
	errno = ENOMEM;
	int failed =
		json_object_update(root, body) < 0 || json_dumpf(root, stdout, JSON_INDENT(2)) < 0;
	json_decref(body);
	json_decref(root);
	putchar('\n');
	return failed ? err_errno(e, "cannot write the comparison as JSON") : 0;
}

int command_diff(int argc, char **argv)
{
	struct err e = {0};
	struct options o = options_begin("diff", argc, argv);
	const char *format = "text", *color = "auto", *value;
	const struct option_row *row;
	while ((row = options_next(&o, &value, &e))) {
		if (!strcmp(row->name, "format"))
			format = value;
		else if (!strcmp(row->name, "color"))
			color = value;
	}
	if (e.code)
		return command_error(&e);
	if (o.help)
		return command_help(o.command);
	if (o.argc - o.next != 2) {
		err_set(&e, EINVAL, "diff: two reports are wanted: epolltune diff A.json B.json");
		return command_error(&e);
	}
	CLEAN(free_pointer) struct report *reports = calloc(2, sizeof(*reports));
	if (!reports)
		return err_errno(&e, "cannot read the reports"), command_error(&e);
	if (report_parse(argv[o.next], &reports[0], &e) < 0 ||
	    report_parse(argv[o.next + 1], &reports[1], &e) < 0 ||
	    print(format, color, &reports[0], &reports[1], &e) < 0)
		return command_error(&e);
	return compare_status(&reports[0], &reports[1]);
}
