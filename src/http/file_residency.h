/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether a file's bytes are in the page cache, and getting them there: sending what is not would make a worker, and all
 * of its connections, wait for a disk.
 */
struct file_fetch;
struct loop;
struct thread_pool;

/* A part of an open file; empty at first. */
struct file_range {
        int fd;
        uint64_t start, end;
};

/* What a worker found in memory lately, so that a file that is asked for all the time costs no system call. */
#define FILE_RESIDENCY_ENTRIES 64
struct file_residency {
        struct file_residency_entry {
                int fd;
                uint32_t piece;
                uint64_t until; /* ms, loop clock */
        } entries[FILE_RESIDENCY_ENTRIES];
};

/* False when reading the range would wait: its first or its last byte is not there, which for what is read ahead in order
 * tells of the whole. One or two system calls, none when it was there within the last second. True as well where the file
 * system cannot tell. `now` in ms, loop clock. */
bool file_range_is_resident(struct file_residency *residency, uint64_t now, int fd, uint64_t offset, size_t length);

/*
 * Reads the range on the pool, for the page cache alone, and calls `fetched` on the loop when it is there or cannot be read
 * (whoever reads it then hears of the error). The descriptor is duplicated and may be closed meanwhile. -EAGAIN when the
 * pool's queue is full, -ENOMEM, or the errno of dup(2); nothing is called then.
 */
int file_fetch_start(struct thread_pool *pool, struct loop *loop, int fd, uint64_t offset, size_t length,
                     void (*fetched)(void *userdata), void *userdata, struct file_fetch **ret_fetch);

/* `fetched` will not be called; before it was. Takes NULL. */
void file_fetch_cancel(struct file_fetch *fetch);
