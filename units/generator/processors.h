/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How many processors this machine could have while it runs, hot-plugged ones included: a number that stays the same
 * from boot to shutdown, at least 1 and at most PROCESSORS_MAX.
 */
#define PROCESSORS_MAX 512

unsigned processors_possible(void);

/* The same of a list as in /sys/devices/system/cpu/possible ("0-3,8": 9). 1 for what is no list. */
unsigned processors_in_list(const char *list);
