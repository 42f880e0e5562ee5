/* interposer: the memory that the library shares with the test. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define FAULT_PLACES 32768

struct fault_place {
	_Atomic uint64_t place; /* 0: unused */
	char function[24];
};

struct fault_state {
	uint64_t wanted;  /* the place whose first call fails; 0: note all */
	atomic_int fired; /* it did */
	int error;        /* with that errno */
	struct fault_place places[FAULT_PLACES];
};
