#include "epolltune/clock.h"
