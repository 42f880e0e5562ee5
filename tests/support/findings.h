/* findings: made by a test, outside of the catalogue. */
#pragma once

#include "epolltune/report.h"

static inline struct finding *finding_made(struct report *r, const char *id,
					   enum finding_level level, const char *title)
{
	struct finding *f = report_finding_blank(r);
	report_text(f->id, "%s", id);
	f->level = level;
	report_text(f->title, "%s", title);
	return f;
}
