/* comparison_html: a comparison as a part of an HTML page. */
#pragma once

#include "report/comparison.h"
#include "report/html_page.h"

/* Prints its rows, its findings and its notes. */
void comparison_html(struct html *h, const struct comparison *c);
