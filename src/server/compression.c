/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sides. The task runs on the pool for that: it reads, compresses and publishes, and touches nothing but the version and a
 * descriptor. The wait belongs to an entry of one worker: it is registered with the store, and from then until its
 * message comes it keeps the entry, whose descriptor the task may be reading, and the generation.
 */
#include "server/compression.h"

#include <errno.h>
#include <stdlib.h>

#include "http/compress/compress.h"
#include "http/worker.h"
#include "shared/syscall.h"

struct compression {
        struct thread_task task;
        struct file_version *version; /* a reference */
        enum http_coding coding;
        int level, fd;
};

struct compression_wait {
        struct file_watch watch;
        struct list waiters;
        struct file_entry *entry;             /* a reference */
        struct worker_generation *generation; /* a reference */
        enum http_coding coding;
};

/* The bytes to compress: the body in memory, else a copy of the file in `ret_copy`. */
static int get_bytes(const struct compression *compression, char **ret_copy, struct slice *ret_bytes) {
        const struct file_version *version = compression->version;
        if (file_version_state(version, 0) == FILE_BODY_READY) {
                *ret_bytes = version->bodies[0];
                return 0;
        }
        size_t length = (size_t) version->identity.size;
        _cleanup_free_ char *copy = malloc(length ? length : 1);
        if (!copy)
                return -ENOMEM;
        int r = file_read(compression->fd, copy, length, true);
        if (r < 0)
                return r;
        struct file_identity after;
        r = file_identify(compression->fd, &after);
        if (r < 0)
                return r;
        if (!file_identity_equal(&version->identity, &after))
                return -ESTALE;
        *ret_copy = take_pointer(copy);
        *ret_bytes = (struct slice) { *ret_copy, length };
        return 0;
}

/* It is not made, and whoever waits for it is told. */
static void cancel(struct thread_task *task) {
        struct compression *compression = container_of(task, struct compression, task);
        file_version_give_up(compression->version, compression->coding, NULL);
}

static void run(struct thread_task *task) {
        struct compression *compression = container_of(task, struct compression, task);
        struct slice bytes;
        _cleanup_free_ char *copy = NULL;
        void *data = NULL;
        size_t length = 0;
        int r = get_bytes(compression, &copy, &bytes);
        if (r >= 0)
                r = http_compress(compression->coding, compression->level, bytes, task->stop, &data, &length);
        if (r == -ENOMEM || r == -ECANCELED) {
                cancel(task);
                return;
        }
        if (file_version_publish(compression->version, compression->coding, r < 0 ? NULL : data, length) < 0)
                free(data);
}

static void done(struct thread_task *task) {
        struct compression *compression = container_of(task, struct compression, task);
        file_version_unref(compression->version);
        free(compression);
}

static int start(const struct file_entry *entry, struct compression_wait *wait, struct http_worker *worker) {
        const struct file_source *source = &entry->result.sources[0];
        struct compression *compression = malloc(sizeof(*compression));
        if (!compression)
                return -ENOMEM;
        *compression = (struct compression) {
                .task = { .run = run, .cancel = cancel, .done = done },
                .version = file_version_ref(source->version),
                .coding = wait->coding,
                .level = entry->site->levels[http_coding_index(wait->coding)],
                .fd = source->fd,
        };
        int r = thread_pool_submit(worker->services->compute, worker->loop, &compression->task);
        if (r < 0)
                done(&compression->task);
        return r;
}

static void settle(struct loop_message *message, void *userdata) {
        struct compression_wait *wait = userdata;
        struct file_entry *entry = wait->entry;
        struct worker_generation *generation = wait->generation;
        unsigned index = http_coding_index(wait->coding);

        entry->waits[index] = NULL;
        if (file_version_state(entry->result.sources[0].version, index) == FILE_BODY_USELESS)
                entry->codings &= ~(unsigned) wait->coding;
        /* Each waiter may end any other's exchange, which then takes its waiter off the list. */
        while (!list_is_empty(&wait->waiters)) {
                struct compression_waiter *waiter = list_entry(wait->waiters.next, struct compression_waiter, link);
                list_remove(&waiter->link);
                waiter->ready(waiter);
        }
        free(wait);
        file_entry_unref(entry);
        worker_generation_unref(generation);
}

/* 0: the message will come; 1: it is settled already. */
static int begin(struct file_entry *entry, enum http_coding coding, struct worker_generation *generation) {
        struct file_version *version = entry->result.sources[0].version;
        struct compression_wait *wait = malloc(sizeof(*wait));
        if (!wait)
                return -ENOMEM;
        *wait = (struct compression_wait) {
                .watch = { .loop = generation->worker->loop, .message = { .deliver = settle, .userdata = wait } },
                .entry = entry,
                .generation = generation,
                .coding = coding,
        };
        list_init(&wait->watch.link);
        list_init(&wait->waiters);

        int r = 0;
        enum file_body_state state = file_version_claim(version, coding, &wait->watch);
        if (state == FILE_BODY_ABSENT) {
                r = start(entry, wait, generation->worker);
                if (r < 0)
                        file_version_give_up(version, coding, &wait->watch);
        } else if (state != FILE_BODY_PENDING) {
                r = 1;
        }
        if (r != 0) {
                free(wait);
                if (state == FILE_BODY_USELESS)
                        entry->codings &= ~(unsigned) coding;
                return r;
        }
        entry->waits[http_coding_index(coding)] = wait;
        file_entry_ref(entry);
        worker_generation_ref(generation);
        return 0;
}

int compression_await(struct file_entry *entry, enum http_coding coding, struct worker_generation *generation,
                      struct compression_waiter *waiter) {
        struct compression_wait **wait = &entry->waits[http_coding_index(coding)];
        if (!*wait) {
                int r = begin(entry, coding, generation);
                if (r != 0)
                        return r;
        }
        if (waiter)
                list_append(&(*wait)->waiters, &waiter->link);
        return 0;
}
