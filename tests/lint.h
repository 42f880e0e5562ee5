/* For static analysis only (tests/lint): shows analyzers, which read one file at a time, that the
 * functions of err.h never return 0. */
#include "epolltune/err.h"

/* With a cast, as callers may pass NULL. */
#define lint_code(e, number) ((e) ? (void)(((struct err *)(e))->code = (number)) : (void)0)
#define err_errno(e, ...) (lint_code(e, 5), -5)
#define err_set(e, number, ...) (lint_code(e, number), -(number))
#define err_prefix(e, ...) ((void)(e), -5)
#define err_recode(e, number) (lint_code(e, number), -(number))
