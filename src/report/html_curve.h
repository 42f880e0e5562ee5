/* html_curve: the curve of a finding as a figure in a page. */
#pragma once

#include "report/html_page.h"

/* Prints nothing for a finding without a curve. */
void html_curve(const struct html *h, const struct report *r, const struct finding *f);
