#include "epolltune/histogram.h"

#define STEPS (UINT64_C(1) << HISTOGRAM_BITS)

/* Each value below STEPS has its own bucket; above, the top HISTOGRAM_BITS + 1 bits choose it. */
static size_t bucket_of(uint64_t value)
{
	if (value < STEPS)
		return (size_t)value;
	unsigned shift = 63U - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
	return (size_t)(((uint64_t)shift << HISTOGRAM_BITS) + (value >> shift));
}

/* The largest value in a bucket. */
static uint64_t bucket_top(size_t bucket)
{
	if (bucket < STEPS)
		return bucket;
	unsigned shift = (unsigned)(bucket >> HISTOGRAM_BITS) - 1;
	uint64_t low = (STEPS + (bucket & (STEPS - 1))) << shift;
	return low + ((UINT64_C(1) << shift) - 1);
}

void histogram_add(struct histogram *h, uint64_t value) { histogram_add_many(h, value, 1); }

void histogram_add_many(struct histogram *h, uint64_t value, uint64_t count)
{
	h->at[bucket_of(value)] += count;
	h->total += count;
	if (count && value > h->max)
		h->max = value;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->at[i] += from->at[i];
	into->total += from->total;
	if (from->max > into->max)
		into->max = from->max;
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
	if (h->total == 0)
		return 0;
	/* 0.07 * 100 is 7.000000000000001 but means the seventh. */
	double exact = share * (double)h->total * (1 - 1e-12);
	uint64_t rank = exact > 0 ? (uint64_t)exact : 0;
	if ((double)rank < exact)
		rank++;
	if (rank >= h->total)
		return h->max;
	if (rank == 0)
		rank = 1;
	uint64_t seen = 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->at[i];
		if (seen >= rank)
			return bucket_top(i) < h->max ? bucket_top(i) : h->max;
	}
	return h->max;
}
