/* head: the first lines of a report: machine, server, target, where the experiments ran. */
#pragma once

#include "report/page.h"

/* Prints a line of parts, as page_segments() does. */
typedef void (*head_put)(const struct page *p, enum tone tone, size_t indent, const char *separator,
			 const struct page_segments *s);
void head_lines(const struct page *p, const struct report *r, head_put put);
