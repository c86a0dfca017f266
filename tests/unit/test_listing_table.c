/* SPDX-License-Identifier: Apache-2.0 */
/* The table of listings: what is shared, what is read anew, who is woken, and that nothing is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <pthread.h>

#include "server/listing_table.h"
#include "shared/syscall.h"

#define READERS 8

struct fixture {
        char folder[64];
        struct config_site config;
        struct site site;
        struct file_store *store;
        struct listing_table *table;
};

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        strcpy(fixture->folder, "/tmp/ccodes-listing-XXXXXX");
        assert_non_null(mkdtemp(fixture->folder));
        fixture->config.name = "test";
        fixture->site = (struct site) {
                .prefix_length = 1,
                .config = &fixture->config,
                .root = open(fixture->folder, O_PATH | O_DIRECTORY | O_CLOEXEC),
        };
        assert_int_equal(file_store_new(1 << 20, &fixture->store), 0);
        assert_int_equal(listing_table_new(fixture->store, &fixture->table), 0);
        listing_table_set_rest(fixture->table, INT64_MAX, 0); /* however slow the machine is */
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        char command[96];
        assert_int_equal(file_store_bytes(fixture->store), 0);
        listing_table_free(fixture->table);
        file_store_free(fixture->store);
        close_fd(fixture->site.root);
        (void) snprintf(command, sizeof(command), "rm -r -- '%s'", fixture->folder);
        assert_int_equal(system(command), 0);
        free(fixture);
        return 0;
}

static void make_file(struct fixture *fixture, const char *name) {
        assert_int_equal(mknodat(fixture->site.root, name, S_IFREG | 0644, 0), 0);
}

static struct listing_version *get(struct fixture *fixture) {
        struct listing_version *version = NULL;
        struct listing_parker parker = { 0 };
        assert_int_equal(listing_table_get(fixture->table, &fixture->site, "/", fixture->site.root, &parker, &version),
                         0);
        return version;
}

static void what_says_nothing_new_is_the_same(void **state) {
        struct fixture *fixture = *state;
        make_file(fixture, "a");
        struct listing_version *first = get(fixture), *second = get(fixture);
        assert_ptr_equal(first, second);
        assert_true(file_store_bytes(fixture->store) >= sizeof(*first));
        make_file(fixture, "b");
        struct listing_version *third = get(fixture);
        assert_ptr_not_equal(first, third);
        assert_int_equal(first->listing.count, 1);
        assert_int_equal(third->listing.count, 2);
        listing_version_unref(first);
        listing_version_unref(second);
        struct listing_version *fourth = listing_version_ref(third);
        listing_version_unref(third);
        assert_ptr_equal(get(fixture), fourth);
        listing_version_unref(fourth);
        assert_null(listing_version_unref(fourth));
        assert_null(listing_version_unref(NULL));
}

static void a_folder_that_is_gone(void **state) {
        struct fixture *fixture = *state;
        struct listing_version *version = NULL;
        struct listing_parker parker = { 0 };
        assert_int_equal(listing_table_get(fixture->table, &fixture->site, "/gone/", fixture->site.root, &parker,
                                           &version),
                         -ENOENT);
        assert_int_equal(listing_table_get(fixture->table, &fixture->site, "/", -1, &parker, &version), -EBADF);
        assert_null(version);
}

/* What took long is not read again at once, though the folder has changed; it is once its rest is over. */
static void what_took_long_has_a_rest(void **state) {
        struct fixture *fixture = *state;
        make_file(fixture, "a");
        listing_table_set_rest(fixture->table, 0, INT32_MAX);
        struct listing_version *first = get(fixture);
        make_file(fixture, "b");
        struct listing_version *second = get(fixture);
        assert_ptr_equal(first, second);
        listing_table_set_rest(fixture->table, 0, 0);
        struct listing_version *third = get(fixture);
        assert_int_equal(third->listing.count, 2);
        listing_version_unref(first);
        listing_version_unref(second);
        listing_version_unref(third);
}

struct reader {
        pthread_t thread;
        struct fixture *fixture;
        struct loop *loop;
        struct listing_parker parker;
        struct listing_version *version;
        unsigned parked;
        bool is_told;
};

static void on_told(struct loop_message *message, void *userdata) {
        struct reader *reader = userdata;
        reader->is_told = true;
        loop_stop(reader->loop, 0);
}

static void *read_folder(void *userdata) {
        struct reader *reader = userdata;
        struct fixture *fixture = reader->fixture;
        for (;;) {
                int r = listing_table_get(fixture->table, &fixture->site, "/", fixture->site.root, &reader->parker,
                                          &reader->version);
                if (r != -EINPROGRESS)
                        return (void *) (intptr_t) r;
                reader->parked++;
                reader->is_told = false;
                while (!reader->is_told)
                        (void) loop_run(reader->loop);
        }
}

/* All get the same, from one reading, and each that was parked is told. */
static void many_at_once(void **state) {
        struct fixture *fixture = *state;
        char name[32];
        for (unsigned i = 0; i < 2000; i++) {
                (void) snprintf(name, sizeof(name), "file-%u", i);
                make_file(fixture, name);
        }
        struct reader readers[READERS];
        for (unsigned i = 0; i < READERS; i++) {
                readers[i] = (struct reader) { .fixture = fixture };
                assert_int_equal(loop_new(&readers[i].loop), 0);
                readers[i].parker.loop = readers[i].loop;
                readers[i].parker.message = (struct loop_message) { .deliver = on_told, .userdata = &readers[i] };
        }
        for (unsigned i = 0; i < READERS; i++)
                assert_int_equal(pthread_create(&readers[i].thread, NULL, read_folder, &readers[i]), 0);
        for (unsigned i = 0; i < READERS; i++) {
                void *result;
                assert_int_equal(pthread_join(readers[i].thread, &result), 0);
                assert_null(result);
                assert_ptr_equal(readers[i].version, readers[0].version);
        }
        for (unsigned i = 0; i < READERS; i++) {
                listing_version_unref(readers[i].version);
                loop_free(readers[i].loop);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_says_nothing_new_is_the_same, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_folder_that_is_gone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_took_long_has_a_rest, set_up, tear_down),
                cmocka_unit_test_setup_teardown(many_at_once, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
