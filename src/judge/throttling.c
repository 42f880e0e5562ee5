#include "epolltune/throttling.h"

#define SHORT_SHARE 0.5
#define TIGHT_SHARE 0.05

enum wall_verdict throttling_verdict(uint64_t throttled, uint64_t periods)
{
	double share = periods ? (double)throttled / (double)periods : 0;
	if (share < TIGHT_SHARE)
		return VERDICT_OK;
	return share >= SHORT_SHARE && throttled > 1 ? VERDICT_SHORT : VERDICT_TIGHT;
}
