/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation in HTTP/1 and in HTTP/2 in which one allocation after the other fails, those of libnghttp2 included: what the
 * client sees is well-formed as far as it goes, every exchange ends, nothing stays behind, and the next client is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "h1_harness.h"
#include "h2_client.h"

#define WINDOW 65535

/* Allocations until one fails; 0: none does. From then on all do, or that one alone. */
static unsigned countdown;
static bool is_lasting;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
int __real_nghttp2_session_server_new3(nghttp2_session **session, const nghttp2_session_callbacks *callbacks,
                                       void *userdata, const nghttp2_option *option, nghttp2_mem *memory);
int __wrap_nghttp2_session_server_new3(nghttp2_session **session, const nghttp2_session_callbacks *callbacks,
                                       void *userdata, const nghttp2_option *option, nghttp2_mem *memory);

static bool fails(void) {
        if (countdown == 0)
                return false;
        if (countdown > 1) {
                countdown--;
                return false;
        }
        countdown = is_lasting;
        return true;
}

void *__wrap_malloc(size_t size) {
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
        return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size) {
        return fails() ? NULL : __real_realloc(block, size);
}

static void *library_malloc(size_t size, void *userdata) {
        (void) userdata;
        return malloc(size);
}

static void library_free(void *block, void *userdata) {
        (void) userdata;
        free(block);
}

static void *library_calloc(size_t count, size_t size, void *userdata) {
        (void) userdata;
        return calloc(count, size);
}

/* Always works: when its queue of streams cannot grow, libnghttp2 1.52 frees a frame twice (mended in later versions). */
static void *library_realloc(void *block, size_t size, void *userdata) {
        (void) userdata;
        return __real_realloc(block, size);
}

/* In place of the worker's pool, which seldom asks the heap. */
int __wrap_nghttp2_session_server_new3(nghttp2_session **session, const nghttp2_session_callbacks *callbacks,
                                       void *userdata, const nghttp2_option *option, nghttp2_mem *pool) {
        nghttp2_mem memory = { NULL, library_malloc, library_free, library_calloc, library_realloc };
        (void) pool;
        return __real_nghttp2_session_server_new3(session, callbacks, userdata, option, &memory);
}

static void converse_in_http1(struct text *out) {
        text_append_string(out, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
                                "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "5\r\nhello\r\n0\r\nX-Trailer: a\r\n\r\n"
                                "GET /early HTTP/1.1\r\nHost: a\r\n\r\n"
                                "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}

static void converse_in_http2(struct text *out) {
        struct text cookies = TEXT_INIT;
        h2_client_begin(out, WINDOW);
        h2_client_field(&cookies, "cookie", "a=b");
        h2_client_field(&cookies, "cookie", "c=d");
        h2_client_head(out, 1, "GET", "/hello", (struct slice) { cookies.data, cookies.length }, true);
        h2_client_head(out, 3, "POST", "/count", SLICE_NULL, false);
        h2_client_data(out, 3, SLICE_LITERAL("hello"), false);
        h2_client_number(out, H2_FRAME_WINDOW_UPDATE, 0, 100);
        h2_client_data(out, 3, SLICE_LITERAL("again"), true);
        h2_client_head(out, 5, "GET", "/early", SLICE_NULL, true);
        h2_client_head(out, 7, "GET", "/file", SLICE_NULL, true);
        h2_client_number(out, H2_FRAME_RST_STREAM, 7, H2_CANCEL);
        h2_client_head(out, 9, "GET", "/none", SLICE_NULL, true);
        text_done(&cookies);
}

static bool is_http2_well_formed(const struct text *received) {
        struct h2_client_view view;
        h2_client_read(received, &view);
        return true; /* or the reading failed */
}

static bool is_http1_well_formed(const struct text *received) {
        return received->length == 0 || strncmp(received->data, "HTTP/1.1 ", 9) == 0;
}

/* Without a fault: as many exchanges as there are requests. */
static void expect_service(struct harness *harness, const struct text *out, unsigned requests) {
        unsigned before = harness_ended(harness);
        harness_connect(harness, false);
        harness_send(harness, out->data, out->length);
        harness_settle(harness);
        assert_int_equal(harness_ended(harness) - before, requests);
}

/* The client reads nothing while allocations fail, since it has its memory from the same heap. */
static bool converse_with_fault(struct harness *harness, const struct text *out, unsigned at, bool lasting) {
        harness_connect(harness, false);
        harness_read(harness, false);
        harness_send(harness, out->data, out->length);
        is_lasting = lasting;
        countdown = at;
        for (unsigned i = 0; i < 4; i++)
                harness_turn(harness);
        bool has_failed = lasting ? countdown == 1 : countdown == 0;
        countdown = 0;
        harness_read(harness, true);
        for (unsigned i = 0; i < 2; i++)
                harness_turn(harness);
        return has_failed;
}

static void try_each(void (*converse)(struct text *), unsigned requests, bool (*is_well_formed)(const struct text *),
                     bool lasting) {
        struct harness *harness = harness_new();
        struct text out = TEXT_INIT;
        converse(&out);
        unsigned at = 1;
        expect_service(harness, &out, requests);
        while (converse_with_fault(harness, &out, at++, lasting)) {
                assert_true(is_well_formed(harness_received(harness)));
                harness_hang_up(harness);
                harness_run_until(harness, harness_has_no_connection);
                assert_int_equal(harness_begun(harness), harness_ended(harness));
                assert_int_equal(harness_worker(harness)->buffers.lent_count, 0);
        }
        assert_true(at > 3);
        expect_service(harness, &out, requests);
        text_done(&out);
        harness_free(harness);
}

static void http1_bears_one_fault(void **state) {
        (void) state;
        try_each(converse_in_http1, 4, is_http1_well_formed, false);
}

static void http1_bears_faults_that_last(void **state) {
        (void) state;
        try_each(converse_in_http1, 4, is_http1_well_formed, true);
}

static void http2_bears_one_fault(void **state) {
        (void) state;
        try_each(converse_in_http2, 5, is_http2_well_formed, false);
}

static void http2_bears_faults_that_last(void **state) {
        (void) state;
        try_each(converse_in_http2, 5, is_http2_well_formed, true);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(http1_bears_one_fault),
                cmocka_unit_test(http1_bears_faults_that_last),
                cmocka_unit_test(http2_bears_one_fault),
                cmocka_unit_test(http2_bears_faults_that_last),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
