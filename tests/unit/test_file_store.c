/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in memory: one of each version, within the limit, shared by threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/file_store.h"
#include "shared/syscall.h"

#define KIB ((uint64_t) 1024)

static struct file_store *make_store(uint64_t limit) {
        struct file_store *store;
        assert_int_equal(file_store_new(limit, &store), 0);
        file_store_set_protection(store, 0);
        return store;
}

static struct file_version *get(struct file_store *store, uint64_t inode) {
        struct file_identity identity = { .device = 1, .inode = inode, .size = 10, .changed_nsec = 5 };
        struct file_version *version;
        assert_int_equal(file_store_get(store, &identity, false, &version), 0);
        return version;
}

static void *make_body(size_t length, int byte) {
        void *data = malloc(length ? length : 1);
        assert_non_null(data);
        memset(data, byte, length);
        return data;
}

static int publish(struct file_version *version, enum http_coding coding, size_t length) {
        void *data = make_body(length, 'x');
        int r = file_version_publish(version, coding, data, length);
        if (r < 0)
                free(data);
        return r;
}

static void test_identity(void **state) {
        struct file_store *store = make_store(100 * KIB);
        struct file_version *a = get(store, 1), *b = get(store, 1), *c = get(store, 2);
        assert_ptr_equal(a, b);
        assert_ptr_not_equal(a, c);

        struct file_identity changed = a->identity;
        changed.changed_nsec++;
        struct file_version *d, *private;
        assert_int_equal(file_store_get(store, &changed, false, &d), 0);
        assert_ptr_not_equal(a, d);
        assert_int_equal(file_store_get(store, &a->identity, true, &private), 0);
        assert_ptr_not_equal(a, private);

        file_version_unref(a);
        file_version_unref(b);
        file_version_unref(c);
        file_version_unref(d);
        file_version_unref(private);
        assert_null(file_version_unref(NULL));
        assert_int_equal(file_store_bytes(store), 0); /* nothing was worth keeping */
        file_store_free(store);
        file_store_free(NULL);
}

static void test_kept_without_references(void **state) {
        struct file_store *store = make_store(100 * KIB);
        struct file_version *version = get(store, 1);
        assert_int_equal(file_version_state(version, 0), FILE_BODY_ABSENT);
        assert_int_equal(publish(version, HTTP_CODING_IDENTITY, 10), 0);
        assert_int_equal(publish(version, HTTP_CODING_IDENTITY, 12), 0); /* too late: freed */
        assert_int_equal(version->bodies[0].length, 10);
        file_version_unref(version);
        version = get(store, 1);
        assert_int_equal(file_version_state(version, 0), FILE_BODY_READY);
        file_version_unref(version);
        file_store_free(store);
}

static void test_unused_give_way(void **state) {
        struct file_store *store = make_store(100 * KIB);
        for (unsigned i = 0; i < 9; i++) {
                struct file_version *version = get(store, i);
                assert_int_equal(publish(version, HTTP_CODING_IDENTITY, 10 * KIB), 0);
                if (i == 0)
                        file_version_touch(version, UINT64_MAX / 2);
                file_version_unref(version);
        }
        assert_int_equal(file_store_evictions(store), 0);

        struct file_version *version = get(store, 100);
        assert_int_equal(publish(version, HTTP_CODING_IDENTITY, 20 * KIB), 0);
        file_version_unref(version);
        assert_true(file_store_evictions(store) > 0);
        assert_true(file_store_bytes(store) <= 100 * KIB);

        version = get(store, 0);
        assert_int_equal(file_version_state(version, 0), FILE_BODY_READY); /* was in use */
        file_version_unref(version);
        version = get(store, 1);
        assert_int_equal(file_version_state(version, 0), FILE_BODY_ABSENT); /* was the oldest */
        file_version_unref(version);
        file_store_free(store);
}

/* More files in use than fit do not drive each other out. */
static void test_used_stay(void **state) {
        struct file_store *store = make_store(50 * KIB);
        file_store_set_protection(store, 60000);
        unsigned ready = 0;
        for (unsigned round = 0; round < 3; round++) {
                for (unsigned i = 0; i < 20; i++) {
                        struct file_version *version = get(store, i);
                        if (file_version_state(version, 0) == FILE_BODY_READY)
                                ready++;
                        else
                                (void) publish(version, HTTP_CODING_IDENTITY, 10 * KIB);
                        file_version_unref(version);
                }
        }
        assert_int_equal(file_store_evictions(store), 0);
        assert_int_equal(ready, 2 * 4); /* the first four, each time */
        file_store_free(store);
}

/* What is evicted but still held counts, so that all bodies together never exceed the limit. */
static void test_held_bodies_count(void **state) {
        struct file_store *store = make_store(100 * KIB);
        struct file_version *held[8];
        for (unsigned i = 0; i < 8; i++) {
                held[i] = get(store, i);
                assert_int_equal(publish(held[i], HTTP_CODING_IDENTITY, 10 * KIB), 0);
        }
        struct file_version *version = get(store, 100);
        assert_int_equal(publish(version, HTTP_CODING_IDENTITY, 50 * KIB), -ENOSPC);
        assert_int_equal(file_version_state(version, 0), FILE_BODY_ABSENT);
        assert_true(file_store_evictions(store) > 0);
        for (unsigned i = 0; i < 8; i++) {
                assert_int_equal(held[i]->bodies[0].length, 10 * KIB); /* still whole */
                if (atomic_load(&held[i]->is_evicted))
                        held[i] = file_version_unref(held[i]);
        }
        assert_int_equal(publish(version, HTTP_CODING_IDENTITY, 50 * KIB), 0);
        for (unsigned i = 0; i < 8; i++)
                file_version_unref(held[i]);
        file_version_unref(version);
        assert_true(file_store_bytes(store) <= 100 * KIB);
        file_store_free(store);
}

static void test_too_large(void **state) {
        struct file_store *store = make_store(10 * KIB);
        struct file_version *version = get(store, 1);
        assert_int_equal(publish(version, HTTP_CODING_IDENTITY, 11 * KIB), -ENOSPC);
        assert_int_equal(publish(version, HTTP_CODING_GZIP, 11 * KIB), -ENOSPC);
        assert_int_equal(file_version_state(version, http_coding_index(HTTP_CODING_GZIP)), FILE_BODY_USELESS);
        file_version_unref(version);

        /* A private one is not held to the limit, but is counted. */
        struct file_identity identity = { .inode = 9 };
        assert_int_equal(file_store_get(store, &identity, true, &version), 0);
        assert_int_equal(publish(version, HTTP_CODING_IDENTITY, 11 * KIB), 0);
        assert_false(file_store_has_room(store));
        file_version_unref(version);
        assert_true(file_store_has_room(store));

        file_store_set_limit(store, 20 * KIB);
        version = get(store, 1);
        assert_int_equal(publish(version, HTTP_CODING_IDENTITY, 11 * KIB), 0);
        file_version_unref(version);
        file_store_free(store);
}

struct watcher {
        struct file_watch watch;
        unsigned told;
};

static void count_message(struct loop_message *message, void *userdata) {
        struct watcher *watcher = userdata;
        watcher->told++;
}

static struct watcher make_watcher(struct loop *loop) {
        return (struct watcher) { .watch = { .loop = loop, .message.deliver = count_message } };
}

static void test_claim(void **state) {
        struct file_store *store = make_store(100 * KIB);
        struct loop *loop;
        assert_int_equal(loop_new(&loop), 0);
        struct file_version *version = get(store, 1);
        struct watcher first = make_watcher(loop), second = make_watcher(loop), third = make_watcher(loop);
        first.watch.message.userdata = &first;
        second.watch.message.userdata = &second;
        third.watch.message.userdata = &third;

        assert_int_equal(file_version_claim(version, HTTP_CODING_GZIP, &first.watch), FILE_BODY_ABSENT);
        assert_int_equal(file_version_claim(version, HTTP_CODING_GZIP, &second.watch), FILE_BODY_PENDING);
        file_version_give_up(version, HTTP_CODING_GZIP, &first.watch);
        assert_int_equal(file_version_claim(version, HTTP_CODING_GZIP, &first.watch), FILE_BODY_ABSENT);
        assert_int_equal(file_version_claim(version, HTTP_CODING_BROTLI, &third.watch), FILE_BODY_ABSENT);
        assert_int_equal(publish(version, HTTP_CODING_GZIP, 5), 0);
        assert_int_equal(file_version_claim(version, HTTP_CODING_GZIP, &second.watch), FILE_BODY_READY);
        assert_int_equal(file_version_publish(version, HTTP_CODING_BROTLI, NULL, 0), 0);
        assert_int_equal(file_version_claim(version, HTTP_CODING_BROTLI, &third.watch), FILE_BODY_USELESS);

        loop_free(loop); /* delivers what is left */
        assert_int_equal(first.told, 1);
        assert_int_equal(second.told, 1);
        assert_int_equal(third.told, 1);
        file_version_unref(version);
        file_store_free(store);
}

struct user {
        struct file_store *store;
        unsigned seed;
};

/* Gets, reads, publishes and drops versions at random; each body is filled with the byte of its inode. */
static void *use(void *userdata) {
        struct user *user = userdata;
        struct file_version *held[16] = { 0 };
        for (unsigned i = 0; i < 20000; i++) {
                unsigned slot = (unsigned) rand_r(&user->seed) % ELEMENTS_OF(held);
                held[slot] = file_version_unref(held[slot]);
                unsigned inode = (unsigned) rand_r(&user->seed) % 50;
                struct file_identity identity = { .inode = inode };
                if (file_store_get(user->store, &identity, inode == 49, &held[slot]) < 0)
                        abort();
                struct file_version *version = held[slot];
                if (file_version_state(version, 0) != FILE_BODY_READY) {
                        void *data = malloc(KIB);
                        if (!data)
                                abort();
                        memset(data, (int) inode, KIB);
                        if (file_version_publish(version, HTTP_CODING_IDENTITY, data, KIB) < 0)
                                free(data);
                }
                file_version_touch(version, i);
                if (file_version_state(version, 0) == FILE_BODY_READY &&
                    (version->bodies[0].length != KIB || version->bodies[0].data[KIB - 1] != (char) inode))
                        abort();
        }
        for (unsigned i = 0; i < ELEMENTS_OF(held); i++)
                file_version_unref(held[i]);
        return NULL;
}

static void test_threads(void **state) {
        struct file_store *store = make_store(40 * KIB);
        pthread_t threads[3];
        struct user users[ELEMENTS_OF(threads)];
        for (unsigned i = 0; i < ELEMENTS_OF(threads); i++) {
                users[i] = (struct user) { store, i + 1 };
                assert_int_equal(pthread_create(&threads[i], NULL, use, &users[i]), 0);
        }
        for (unsigned i = 0; i < ELEMENTS_OF(threads); i++)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(file_store_bytes(store) <= 40 * KIB);
        file_store_free(store);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_identity),
                cmocka_unit_test(test_kept_without_references),
                cmocka_unit_test(test_unused_give_way),
                cmocka_unit_test(test_used_stay),
                cmocka_unit_test(test_held_bodies_count),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_claim),
                cmocka_unit_test(test_threads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
