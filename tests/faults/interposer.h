/* interposer: the memory that the library shares with the test. */
#ifndef EPOLLTUNE_INTERPOSER_H
#define EPOLLTUNE_INTERPOSER_H

#include <stdatomic.h>
#include <stdint.h>

#define FAULT_PLACES 32768

struct fault_place {
	_Atomic uint64_t place; /* 0: unused */
	unsigned order;         /* in which places were met first */
	int child;              /* by a process that the command has started */
	char function[24];
};

struct fault_state {
	int command;          /* its process */
	uint64_t wanted;      /* the place whose first call fails; 0: note all */
	atomic_int fired;     /* it did */
	int error;            /* with that errno */
	_Atomic unsigned met; /* places */
	struct fault_place places[FAULT_PLACES];
};

#endif
