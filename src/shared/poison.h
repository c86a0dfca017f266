/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/*
 * Tells AddressSanitizer which bytes of a block that malloc gave out are not to be touched, so that memory which an
 * arena or a pool recycles is watched as closely as memory from malloc. Nothing in a build without it. What is still
 * poisoned may be given to free(3).
 */
#if defined(__SANITIZE_ADDRESS__)
#define POISON_IS_ACTIVE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_IS_ACTIVE 1
#endif
#endif
#ifndef POISON_IS_ACTIVE
#define POISON_IS_ACTIVE 0
#endif

#if POISON_IS_ACTIVE
#include <sanitizer/asan_interface.h>
#endif

static inline void poison_memory(const volatile void *start, size_t size) {
#if POISON_IS_ACTIVE
        __asan_poison_memory_region(start, size);
#else
        (void) start, (void) size;
#endif
}

static inline void unpoison_memory(const volatile void *start, size_t size) {
#if POISON_IS_ACTIVE
        __asan_unpoison_memory_region(start, size);
#else
        (void) start, (void) size;
#endif
}
