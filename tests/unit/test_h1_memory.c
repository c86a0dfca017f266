/* SPDX-License-Identifier: Apache-2.0 */
/* What a request costs of the heap: malloc and its like are counted by the linker's --wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "h1_harness.h"
#include "http/worker.h"

#define REQUESTS 1000

/* The client's text of what it has received grows by doubling. */
#define GROWTH_MAX 32

/* Bytes that a plain connection which waits may take. */
#define IDLE_MAX 512

static unsigned calls;
static size_t bytes;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_malloc(size_t size) {
        calls++;
        bytes += size;
        return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
        calls++;
        bytes += count * size;
        return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size) {
        calls++;
        bytes += size;
        return __real_realloc(block, size);
}

static unsigned wanted;

static bool has_ended(struct harness *harness) {
        return harness_ended(harness) == wanted;
}

static void request(struct harness *harness) {
        wanted++;
        harness_send_text(harness, "GET /hello?a=b HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: test\r\n"
                                   "Accept: text/html,*/*;q=0.8\r\nAccept-Language: en\r\n"
                                   "Accept-Encoding: gzip, deflate, br\r\nCookie: a=b\r\nReferer: http://a/\r\n"
                                   "X-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nConnection: keep-alive\r\n\r\n");
        harness_run_until(harness, has_ended);
}

static void kept_alive_requests_take_nothing_from_the_heap(void **state) {
        struct harness *harness = harness_new();
        (void) state;
        wanted = 0;
        harness_connect(harness, false);
        for (unsigned i = 0; i < 3; i++)
                request(harness);
        unsigned before = calls;
        for (unsigned i = 0; i < REQUESTS; i++)
                request(harness);
        assert_in_range(calls - before, 0, GROWTH_MAX);
        harness_free(harness);
}

/* What a connection holds while it waits, by plain TCP; a request adds nothing to it (see above, and
 * an_idle_connection_holds_no_buffer of the session's tests). */
static void a_connection_is_within_the_bar(void **state) {
        struct harness *harness = harness_new();
        (void) state;
        bytes = 0;
        harness_connect(harness, false);
        assert_in_range(bytes, 1, IDLE_MAX);
        harness_free(harness);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kept_alive_requests_take_nothing_from_the_heap),
                cmocka_unit_test(a_connection_is_within_the_bar),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
