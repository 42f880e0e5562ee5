/* lint_rules: what `lint` finds in files. Output, `explain` and `list` use the rows. */
#pragma once

#include <stddef.h>

#include "epolltune/catalogue.h"

enum lint_id {
	LINT_UNKNOWN,
	LINT_GONE,
	LINT_NEW,
	LINT_QUOTES,
	LINT_REFUSED,
	LINT_MISREAD,
	LINT_ORDER,
	LINT_UNIT,
	LINT_LOWERS,
	LINT_AUTOMATIC,
	LINT_CLASSIC,
	LINT_DUPLICATE,
	LINT_OVERRIDDEN,
	LINT_DRIFT,
	LINT_MODULE,
	LINT_READ_ONLY,
	LINT_CONTAINER,
	LINT_UNREAD,
	LINT_SYNTAX,
	LINT_CAPPED,
	LINT_PORTS,
	LINT_WRITER,
	LINT_UNREADABLE,
	LINT_DENIED,
	LINT_RULES,
};

struct lint_rule {
	const char *name; /* API: never renamed */
	enum finding_level level;
	const char *what;   /* one or two sentences */
	const char *action; /* what to do */
	const char *source;
};

size_t lint_rule_count(void);                   /* LINT_RULES */
const struct lint_rule *lint_rule_at(size_t i); /* an enum lint_id */
