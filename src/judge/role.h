/* role: whether a server that is judged as one that only accepts connects to others, too. */
#pragma once

#include "epolltune/report.h"
#include "epolltune/subject.h"

/* Adds a finding where the server connects to servers behind it, and walls that suffice for the
 * target would not for that of a proxy. Pure. */
void role_judge(const struct subject *, struct report *);
