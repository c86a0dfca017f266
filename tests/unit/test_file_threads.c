/* SPDX-License-Identifier: Apache-2.0 */
/* Several workers over one store, while the files are replaced: no answer mixes two versions of a file, whether it
 * comes as it is, compressed, or in ranges. Most telling under the thread sanitizer. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "file_harness.h"
#include "shared/syscall.h"

#define PAGES 6
#define PAGE_SIZE 40000
#define REQUESTS 150

static const char configuration[] = "[[site]]\nname = \"test\"\nroot = \"@ROOT@\"\n"
                                    "[server.cache]\nrevalidate = \"0\"\nmax_bytes = \"300K\"\n";

static void assert_uniform(const char *bytes, size_t length) {
        for (size_t i = 1; i < length; i++)
                assert_int_equal(bytes[i], bytes[0]);
}

static void assert_uniform_gzip(struct slice body) {
        static const size_t room = PAGE_SIZE + 1;
        char *bytes = malloc(room);
        assert_non_null(bytes);
        z_stream stream = { .next_in = (Bytef *) body.data,
                            .avail_in = (uInt) body.length,
                            .next_out = (Bytef *) bytes,
                            .avail_out = (uInt) room };
        assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.total_out, PAGE_SIZE);
        assert_int_equal(inflateEnd(&stream), Z_OK);
        assert_uniform(bytes, PAGE_SIZE);
        free(bytes);
}

static void ask_for_pages(struct site_harness *site, unsigned seed) {
        static const char *const fields[] = { "", "\r\nAccept-Encoding: gzip", "\r\nRange: bytes=100-20000" };
        for (unsigned i = 0; i < REQUESTS; i++) {
                char head[128];
                (void) snprintf(head, sizeof(head), "GET /page-%d.html%s", rand_r(&seed) % PAGES,
                                fields[(unsigned) rand_r(&seed) % ELEMENTS_OF(fields)]);
                (void) site_harness_ask(site, head);
                int status = site_harness_status(site);
                assert_true(status == 200 || status == 206);
                struct slice body = site_harness_body(site);
                if (strcmp(site_harness_field(site, "Content-Encoding"), "gzip") == 0) {
                        assert_uniform_gzip(body);
                } else {
                        assert_int_equal(body.length, status == 206 ? 19901 : PAGE_SIZE);
                        assert_uniform(body.data, body.length);
                }
        }
}

static void *serve(void *userdata) {
        struct site_harness *site = userdata;
        site_harness_start(site, configuration);
        ask_for_pages(site, (unsigned) (uintptr_t) site);
        return NULL;
}

struct writer {
        struct site_harness *site;
        atomic_bool stop;
};

static void write_page(const struct site_harness *site, unsigned number, int byte) {
        char bytes[PAGE_SIZE], name[32];
        memset(bytes, byte, sizeof(bytes));
        (void) snprintf(name, sizeof(name), "page-%u.html", number);
        _cleanup_close_ int fd = openat(site->root, "next", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, bytes, sizeof(bytes)) != sizeof(bytes) ||
            renameat(site->root, "next", site->root, name) < 0)
                abort();
}

static void *replace(void *userdata) {
        struct writer *writer = userdata;
        for (unsigned i = 0; !atomic_load(&writer->stop); i++) {
                write_page(writer->site, i % PAGES, 'a' + (int) i % 26);
                (void) nanosleep(&(struct timespec) { .tv_nsec = 2000000 }, NULL);
        }
        return NULL;
}

static void versions_never_mix(void **state) {
        struct site_harness *host = site_harness_new(), *guests[2];
        pthread_t threads[ELEMENTS_OF(guests)], replacing;
        struct writer writer = { .site = host };
        for (unsigned i = 0; i < PAGES; i++)
                write_page(host, i, 'x');
        assert_int_equal(pthread_create(&replacing, NULL, replace, &writer), 0);
        for (unsigned i = 0; i < ELEMENTS_OF(guests); i++) {
                guests[i] = site_harness_new_guest(host);
                assert_int_equal(pthread_create(&threads[i], NULL, serve, guests[i]), 0);
        }
        for (unsigned i = 0; i < ELEMENTS_OF(guests); i++)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        atomic_store(&writer.stop, true);
        assert_int_equal(pthread_join(replacing, NULL), 0);
        for (unsigned i = 0; i < ELEMENTS_OF(guests); i++)
                site_harness_free(guests[i]);
        site_harness_free(host);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(versions_never_mix) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
