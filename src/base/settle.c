#include "base/settle.h"

bool settle_waits(struct settle *s, uint64_t arrived, uint64_t sent)
{
	bool still = arrived && arrived == s->seen;
	s->ms += SETTLE_STEP_MS;
	s->quiet_ms = still ? s->quiet_ms + SETTLE_STEP_MS : 0;
	s->seen = arrived;
	return arrived < sent && s->ms < SETTLE_MS && s->quiet_ms < SETTLE_QUIET_MS;
}
