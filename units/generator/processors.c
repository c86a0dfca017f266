/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by the highest number and not by the processors that are there now. */
#include "generator/processors.h"

#include <fcntl.h>
#include <stdlib.h>

#include "shared/syscall.h"

#define POSSIBLE_FILE "/sys/devices/system/cpu/possible"
#define POSSIBLE_LIMIT 4096

unsigned processors_in_list(const char *list) {
        unsigned long highest = 0;
        while (*list >= '0' && *list <= '9') {
                char *end;
                unsigned long number = strtoul(list, &end, 10);
                highest = MAX_OF(highest, number);
                list = *end == '-' || *end == ',' ? end + 1 : end;
        }
        return (unsigned) MIN_OF(highest, PROCESSORS_MAX - 1UL) + 1;
}

unsigned processors_possible(void) {
        _cleanup_free_ char *list = NULL;
        size_t length;
        if (read_whole_file(AT_FDCWD, POSSIBLE_FILE, POSSIBLE_LIMIT, &list, &length) >= 0)
                return processors_in_list(list);
        const long count = MAX_OF(sysconf(_SC_NPROCESSORS_CONF), 1L);
        return (unsigned) MIN_OF(count, (long) PROCESSORS_MAX);
}
