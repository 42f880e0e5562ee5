/* inode_table: internal to src/host/: finds what is known of a socket by its inode. A table is an
 * array of any structure whose first member is the inode, a uint64_t. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void inode_table_sort(void *at, size_t count, size_t size);
/* In a sorted one. NULL: it is not there, as for 0, which a socket has that no process holds. */
void *inode_table_find(const void *at, size_t count, size_t size, uint64_t inode);
