/* What is known of sockets, by inode. */
#include "host/inode_table.h"

#include <stdlib.h>

#include "epolltune/order.h"

void inode_table_sort(void *at, size_t count, size_t size)
{
	if (count)
		qsort(at, count, size, u64_compare);
}

void *inode_table_find(const void *at, size_t count, size_t size, uint64_t inode)
{
	return inode && count ? bsearch(&inode, at, count, size, u64_compare) : NULL;
}
