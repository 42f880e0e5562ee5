/* For static analysis only (tests/lint): the functions of err.h never return 0, which an analyzer
 * that looks at one file at a time cannot know. */
#include "epolltune/err.h"

#define err_errno(e, ...) ((e)->code = 5, -5)
#define err_set(e, number, ...) ((e)->code = (number), -(number))
#define err_prefix(e, ...) (-5)
