/* SPDX-License-Identifier: Apache-2.0 */
/* What every format of stored files keeps, at every boundary: the same tests run against each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "h1_harness.h"
#include "http/exchange.h"
#include "server/content/content_format.h"
#include "server/content/content_sealed.h"
#include "shared/syscall.h"

#define CHUNK 65536
#define SIZE_MAX_TRIED (3 * CHUNK + 1)

/* Lengths at which formats that write in chunks, or none at all, could go wrong. */
static const size_t lengths[] = { 0,
                                  1,
                                  2,
                                  4095,
                                  4096,
                                  CHUNK - 28,
                                  CHUNK - 1,
                                  CHUNK,
                                  CHUNK + 1,
                                  CHUNK + 2,
                                  2 * CHUNK - 1,
                                  2 * CHUNK,
                                  2 * CHUNK + 1,
                                  150000,
                                  3 * CHUNK,
                                  SIZE_MAX_TRIED };

struct fixture {
        const struct content_format *format;
        char *bytes; /* what is stored: no two chunks of it are the same */
};

struct implementation {
        const char *name;
        const struct content_format *(*make)(void);
};

static const struct content_format *make_plain(void) {
        return &content_plain;
}

static const struct content_format *make_sealed(void) {
        struct key_ring *ring = key_ring_new(KEY_PURPOSE_SEAL);
        assert_non_null(ring);
        assert_int_equal(key_ring_generate(ring, 0), 0);
        struct content_format *format = content_sealed_new(ring);
        assert_non_null(format);
        key_ring_unref(ring);
        return format;
}

static const struct implementation implementations[] = { { "plain", make_plain }, { "sealed", make_sealed } };

static int set_up(void **state) {
        const struct implementation *implementation = *state;
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        assert_non_null(fixture);
        fixture->format = implementation->make();
        fixture->bytes = malloc(SIZE_MAX_TRIED);
        assert_non_null(fixture->bytes);
        uint32_t random = 1;
        for (size_t i = 0; i < SIZE_MAX_TRIED; i++) {
                random = random * 1664525 + 1013904223;
                fixture->bytes[i] = (char) (random >> 24);
        }
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        if (fixture->format != &content_plain)
                content_sealed_free((struct content_format *) fixture->format);
        free(fixture->bytes);
        free(fixture);
        return 0;
}

static int new_file(void) {
        int fd = memfd_create("content", MFD_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static struct slice piece(const struct fixture *fixture, size_t from, size_t to) {
        return (struct slice) { fixture->bytes + from, to - from };
}

static struct content_writer *create(const struct fixture *fixture, int fd) {
        struct error error = ERROR_INIT;
        struct content_writer *writer;
        if (content_create(fixture->format, fd, &error, &writer) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(writer->length, 0);
        return writer;
}

static struct content_writer *resume(const struct fixture *fixture, int fd) {
        struct error error = ERROR_INIT;
        struct content_writer *writer;
        if (content_resume(fixture->format, fd, &error, &writer) < 0)
                fail_msg("%s", error.text);
        return writer;
}

static struct content *open_content(const struct fixture *fixture, int fd) {
        struct error error = ERROR_INIT;
        struct content *content;
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (content_open(fixture->format, copy, &error, &content) < 0)
                fail_msg("%s", error.text);
        return content;
}

/* Ends the writer, and holds what the file then is against the first `length` bytes. */
static void finish(const struct fixture *fixture, int fd, struct content_writer *writer, size_t length) {
        assert_int_equal(writer->length, length);
        assert_int_equal(content_finish(writer), 0);
        content_writer_free(writer);

        struct stat status;
        assert_int_equal(fstat(fd, &status), 0);
        assert_int_equal(content_length_of(fixture->format, (uint64_t) status.st_size), length);

        _cleanup_(content_unref_cleanup) struct content *content = open_content(fixture, fd);
        _cleanup_free_ char *read = malloc(length + 1);
        assert_int_equal(content->length, length);
        assert_int_equal(content_read(content, 0, read, length), 0);
        assert_memory_equal(read, fixture->bytes, length);
}

static void what_was_written_is_read(void **state) {
        const struct fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTS_OF(lengths); i++) {
                _cleanup_close_ int fd = new_file();
                struct content_writer *writer = create(fixture, fd);
                assert_int_equal(content_append(writer, piece(fixture, 0, lengths[i])), 0);
                finish(fixture, fd, writer, lengths[i]);
        }
}

static void it_may_come_in_pieces(void **state) {
        static const size_t steps[] = { 1000, 4096, CHUNK - 1, CHUNK, CHUNK + 1 };
        const struct fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTS_OF(steps); i++) {
                _cleanup_close_ int fd = new_file();
                struct content_writer *writer = create(fixture, fd);
                for (size_t done = 0; done < SIZE_MAX_TRIED;) {
                        size_t end = MIN_OF(done + steps[i], (size_t) SIZE_MAX_TRIED);
                        assert_int_equal(content_append(writer, piece(fixture, done, end)), 0);
                        assert_int_equal(content_append(writer, SLICE_NULL), 0);
                        assert_int_equal(writer->length, end);
                        done = end;
                }
                finish(fixture, fd, writer, SIZE_MAX_TRIED);
        }
}

static void each_part_is_read(void **state) {
        const struct fixture *fixture = *state;
        _cleanup_close_ int fd = new_file();
        struct content_writer *writer = create(fixture, fd);
        assert_int_equal(content_append(writer, piece(fixture, 0, SIZE_MAX_TRIED)), 0);
        finish(fixture, fd, writer, SIZE_MAX_TRIED);
        _cleanup_(content_unref_cleanup) struct content *content = open_content(fixture, fd);
        _cleanup_free_ char *read = malloc(SIZE_MAX_TRIED);
        for (size_t i = 0; i < ELEMENTS_OF(lengths); i++) {
                for (size_t j = i; j < ELEMENTS_OF(lengths); j++) {
                        size_t length = lengths[j] - lengths[i];
                        assert_int_equal(content_read(content, lengths[i], read, length), 0);
                        assert_memory_equal(read, fixture->bytes + lengths[i], length);
                }
        }
}

/* Also more than once, and after a writer that said nothing more. */
static void what_was_saved_is_gone_on_with(void **state) {
        const struct fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTS_OF(lengths); i++) {
                _cleanup_close_ int fd = new_file();
                struct content_writer *writer = create(fixture, fd);
                for (unsigned part = 0; part < 3; part++) {
                        size_t from = lengths[i] * part / 3, to = lengths[i] * (part + 1) / 3;
                        assert_int_equal(writer->length, from);
                        assert_int_equal(content_append(writer, piece(fixture, from, to)), 0);
                        assert_int_equal(content_save(writer), 0);
                        assert_int_equal(content_save(writer), 0);
                        content_writer_free(writer);
                        writer = resume(fixture, fd);
                }
                finish(fixture, fd, writer, lengths[i]);
        }
}

/* A crash: whatever resume finds is a beginning of what was appended, and it can be gone on with. */
static void what_was_not_saved_is_a_beginning(void **state) {
        const struct fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTS_OF(lengths); i++) {
                _cleanup_close_ int fd = new_file();
                struct content_writer *writer = create(fixture, fd);
                size_t saved = lengths[i] / 2;
                assert_int_equal(content_append(writer, piece(fixture, 0, saved)), 0);
                assert_int_equal(content_save(writer), 0);
                assert_int_equal(content_append(writer, piece(fixture, saved, lengths[i])), 0);
                content_writer_free(writer);
                writer = resume(fixture, fd);
                assert_true(writer->length <= lengths[i]);
                assert_true(writer->length + CHUNK >= lengths[i]);
                assert_int_equal(content_append(writer, piece(fixture, writer->length, lengths[i])), 0);
                finish(fixture, fd, writer, lengths[i]);
        }
}

static void what_was_taken_back_is_not_there(void **state) {
        const struct fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTS_OF(lengths); i++) {
                for (size_t j = i; j < ELEMENTS_OF(lengths); j++) {
                        _cleanup_close_ int fd = new_file();
                        struct content_writer *writer = create(fixture, fd);
                        assert_int_equal(content_append(writer, piece(fixture, 0, lengths[i])), 0);
                        if (j % 2)
                                assert_int_equal(content_save(writer), 0);
                        struct slice wrong = piece(fixture, 0, lengths[j] - lengths[i]);
                        assert_int_equal(content_append(writer, wrong), 0);
                        assert_int_equal(content_truncate(writer, lengths[i]), 0);
                        assert_int_equal(content_append(writer, piece(fixture, lengths[i], lengths[j])), 0);
                        finish(fixture, fd, writer, lengths[j]);
                }
        }
}

static void contents_are_joined(void **state) {
        const struct fixture *fixture = *state;
        for (size_t i = 0; i < ELEMENTS_OF(lengths); i++) {
                _cleanup_close_ int first = new_file(), second = new_file(), whole = new_file();
                struct content_writer *writer = create(fixture, first);
                assert_int_equal(content_append(writer, piece(fixture, 0, lengths[i])), 0);
                finish(fixture, first, writer, lengths[i]);
                writer = create(fixture, second);
                assert_int_equal(content_append(writer, piece(fixture, lengths[i], SIZE_MAX_TRIED)), 0);
                assert_int_equal(content_finish(writer), 0);
                content_writer_free(writer);

                writer = create(fixture, whole);
                const int parts[] = { first, second };
                for (unsigned part = 0; part < 2; part++) {
                        _cleanup_(content_unref_cleanup) struct content *content = open_content(fixture, parts[part]);
                        assert_int_equal(content_append_content(writer, content), 0);
                }
                finish(fixture, whole, writer, SIZE_MAX_TRIED);
        }
}

static void a_full_disk_is_an_error(void **state) {
        const struct fixture *fixture = *state;
        struct content_writer *writer;
        _cleanup_close_ int full = open("/dev/full", O_RDWR | O_CLOEXEC);
        struct error error = ERROR_INIT;
        int r = content_create(fixture->format, full, &error, &writer);
        if (r == 0) {
                r = content_append(writer, piece(fixture, 0, 2 * CHUNK));
                content_writer_free(writer);
        }
        assert_int_equal(r, -ENOSPC);
}

/* A server of one part of one content. */
struct served {
        struct content *content;
        uint64_t offset, length;
        struct content_body *body;
};

static void respond(struct http_exchange *exchange) {
        const struct served *served = exchange->generation->shared->snapshot;
        exchange->response.status = 200;
        exchange->response.content_length = (int64_t) served->length;
        exchange->response.body = served->body->body;
        http_exchange_respond(exchange);
}

static void on_ready(struct content_body *body, int result, void *userdata) {
        struct http_exchange *exchange = userdata;
        (void) body;
        assert_int_equal(result, 0);
        respond(exchange);
}

static void on_request(struct http_exchange *exchange) {
        struct served *served = exchange->generation->shared->snapshot;
        served->body = content_body_new(served->content, exchange, served->offset, served->length);
        assert_non_null(served->body);
        int r = slice_equal_text(exchange->request.path, "/prepared")
                                ? content_body_prepare(served->body, (struct content_ready) { on_ready, exchange })
                                : 1;
        assert_true(r >= 0);
        if (r > 0)
                respond(exchange);
}

static void snapshot_free(void *snapshot) {
        (void) snapshot;
}

static bool is_answered(struct harness *harness) {
        const struct text *received = harness_received(harness);
        const char *end = received->data ? strstr(received->data, "\r\n\r\n") : NULL;
        const char *length = received->data ? strstr(received->data, "Content-Length: ") : NULL;
        return end && length &&
               received->length == (size_t) (end - received->data) + 4 + strtoul(length + 16, NULL, 10);
}

static void ask(struct harness *harness, const struct fixture *fixture, const struct served *served, const char *path) {
        char request[64];
        (void) snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
        harness_clear(harness);
        harness_send_text(harness, request);
        harness_run_until(harness, is_answered);
        const struct text *received = harness_received(harness);
        assert_memory_equal(received->data + received->length - served->length, fixture->bytes + served->offset,
                            served->length);
}

static void it_is_the_body_of_a_response(void **state) {
        static const struct http_application application = { .snapshot_free = snapshot_free, .on_request = on_request };
        const struct fixture *fixture = *state;
        _cleanup_close_ int fd = new_file();
        struct content_writer *writer = create(fixture, fd);
        assert_int_equal(content_append(writer, piece(fixture, 0, SIZE_MAX_TRIED)), 0);
        finish(fixture, fd, writer, SIZE_MAX_TRIED);

        struct error error = ERROR_INIT;
        struct config *config;
        assert_int_equal(config_load_text("[log.access]\ntarget = \"off\"\n", "test", &error, &config), 0);
        struct thread_pool *pool;
        assert_int_equal(thread_pool_new("pool", 2, 16, &pool), 0);
        struct served served = { .content = open_content(fixture, fd) };
        struct harness *harness = harness_new_with(&(struct harness_options) {
                        .application = &application, .snapshot = &served, .config = config, .pool = pool });
        harness_connect(harness, true);
        for (size_t i = 0; i < ELEMENTS_OF(lengths); i++) {
                for (size_t j = i + 1; j < ELEMENTS_OF(lengths); j++) {
                        served.offset = lengths[i];
                        served.length = lengths[j] - lengths[i];
                        ask(harness, fixture, &served, j % 2 ? "/prepared" : "/pulled");
                }
        }
        harness_free(harness);
        config_unref(config);
        assert_int_equal(served.content->references, 1);
        content_unref(served.content);
}

#define TESTS(function) \
        { #function, function }

int main(void) {
        static const struct {
                const char *name;
                CMUnitTestFunction function;
        } tests[] = {
                TESTS(what_was_written_is_read),
                TESTS(it_may_come_in_pieces),
                TESTS(each_part_is_read),
                TESTS(what_was_saved_is_gone_on_with),
                TESTS(what_was_not_saved_is_a_beginning),
                TESTS(what_was_taken_back_is_not_there),
                TESTS(contents_are_joined),
                TESTS(a_full_disk_is_an_error),
                TESTS(it_is_the_body_of_a_response),
        };
        int failed = 0;
        for (size_t i = 0; i < ELEMENTS_OF(implementations); i++) {
                struct CMUnitTest group[ELEMENTS_OF(tests)];
                for (size_t j = 0; j < ELEMENTS_OF(tests); j++)
                        group[j] = (struct CMUnitTest) {
                                .name = tests[j].name,
                                .test_func = tests[j].function,
                                .setup_func = set_up,
                                .teardown_func = tear_down,
                                .initial_state = (void *) &implementations[i],
                        };
                failed += _cmocka_run_group_tests(implementations[i].name, group, ELEMENTS_OF(tests), NULL, NULL);
        }
        return failed;
}
