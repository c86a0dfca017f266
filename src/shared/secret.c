/* SPDX-License-Identifier: Apache-2.0 */
/* Each secret has its own mapping, since the advice to the kernel goes by the page. */
#include "shared/secret.h"

#include <string.h>
#include <sys/mman.h>

void *secret_new(size_t size) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
                return NULL;
        /* Each of these is one defence more: without it the secret still serves. */
        (void) madvise(memory, size, MADV_DONTDUMP);
        (void) madvise(memory, size, MADV_WIPEONFORK);
        (void) mlock(memory, size);
        return memory;
}

void secret_free(void *memory, size_t size) {
        if (!memory)
                return;
        explicit_bzero(memory, size);
        (void) munmap(memory, size);
}
