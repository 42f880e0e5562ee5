/* For static analysis only (tests/lint): shows analyzers, which read one file at a time, that the
 * functions of err.h never return 0. */
#include "epolltune/err.h"

#define err_errno(e, ...) ((e)->code = 5, -5)
#define err_set(e, number, ...) ((e)->code = (number), -(number))
#define err_prefix(e, ...) (-5)
