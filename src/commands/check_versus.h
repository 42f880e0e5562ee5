/* check_versus: two commands of check --run beside each other. */
#pragma once

#include "check/check.h"
#include "report/render.h"

/* Runs `check` of the command of --run and that of --versus in turn, several times, and prints them
 * side by side, in a format of a comparison. Returns an exit status. */
int check_versus(const struct check_options *options, const char *format,
		 const struct render_style *style);
