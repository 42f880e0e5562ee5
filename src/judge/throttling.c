#include "epolltune/throttling.h"

#define SHORT_SHARE 0.5
#define TIGHT_SHARE 0.05

static bool is_once(uint64_t throttled) { return throttled <= 1; }

enum wall_verdict throttling_verdict(uint64_t throttled, uint64_t periods)
{
	double share = periods ? (double)throttled / (double)periods : 0;
	if (share < TIGHT_SHARE)
		return VERDICT_OK;
	return share >= SHORT_SHARE && !is_once(throttled) ? VERDICT_SHORT : VERDICT_TIGHT;
}

bool throttling_explains(uint64_t throttled, uint64_t periods)
{
	return verdict_asks(throttling_verdict(throttled, periods)) && !is_once(throttled);
}
