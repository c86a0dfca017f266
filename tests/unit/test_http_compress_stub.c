/* SPDX-License-Identifier: Apache-2.0 */
/* Compression in a build without any coding: it says so, and nothing else fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/compress/compress.h"

static void no_coding_is_built(void **state) {
        (void) state;
        static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        void *coded = NULL;
        size_t length;
        assert_int_equal(http_compress_codings(), 0);
        for (unsigned i = 0; i < HTTP_CODING_COUNT; i++)
                assert_int_equal(http_compress((enum http_coding)(1u << i), 1, (struct slice) { text, sizeof(text) },
                                               NULL, &coded, &length),
                                 -EOPNOTSUPP);
        assert_int_equal(http_compress(HTTP_CODING_IDENTITY, 1, (struct slice) { text, sizeof(text) }, NULL, &coded,
                                       &length),
                         -EINVAL);
        assert_null(coded);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(no_coding_is_built) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
