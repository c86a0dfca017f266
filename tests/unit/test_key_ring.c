/* SPDX-License-Identifier: Apache-2.0 */
/* Files of keys: what is one, what is not and why, and that nothing of a key is in what is said about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/key_ring.h"
#include "shared/syscall.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define DEAD "deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef"

static struct key_ring *parse(const char *text) {
        struct error error = ERROR_INIT;
        struct key_ring *ring = NULL;
        if (key_ring_parse(slice_of(text), KEY_PURPOSE_SEAL, &error, &ring) < 0)
                fail_msg("%s", error.text);
        return ring;
}

static void refuse(const char *text, const char *why) {
        struct error error = ERROR_INIT;
        struct key_ring *ring;
        assert_int_equal(key_ring_parse(slice_of(text), KEY_PURPOSE_SEAL, &error, &ring), -EINVAL);
        if (!strstr(error.text, why))
                fail_msg("'%s' does not say '%s'", error.text, why);
        assert_null(strstr(error.text, "deadbeef"));
}

static void the_last_key_is_the_newest(void **state) {
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring =
                        parse("ccodes-keys 1 seal\r\n# made by hand\n\n  a " DEAD "\nb-2   " ONES "  \n");
        assert_int_equal(ring->count, 2);
        assert_string_equal(key_ring_newest(ring)->id, "b-2");
        assert_int_equal(key_ring_newest(ring)->bytes[31], 0x11);
        assert_int_equal(key_ring_find(ring, SLICE_LITERAL("a"))->bytes[0], 0xde);
        assert_null(key_ring_find(ring, SLICE_LITERAL("b")));
}

static void a_line_without_its_end_is_one(void **state) {
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = parse("ccodes-keys 1 seal\na " ZERO);
        assert_int_equal(ring->count, 1);
}

static void what_is_wrong_is_named(void **state) {
        (void) state;
        refuse("", "line 1");
        refuse("a " ZERO "\n", "line 1");
        refuse("ccodes-keys 1 sign\na " ZERO "\n", "for 'sign', not for 'seal'");
        refuse("ccodes-keys 1 sealed\na " ZERO "\n", "for 'sealed', not for 'seal'");
        refuse("ccodes-keys 2 seal\na " ZERO "\n", "line 1");
        refuse("ccodes-keys 1 seal\n", "no key");
        refuse("ccodes-keys 1 seal\n# a " ZERO "\n", "no key");
        refuse("ccodes-keys 1 seal\na\n", "line 2");
        refuse("ccodes-keys 1 seal\na deadbeef\n", "64 hexadecimal digits");
        refuse("ccodes-keys 1 seal\na " DEAD "0\n", "64 hexadecimal digits");
        refuse("ccodes-keys 1 seal\na " DEAD " " DEAD "\n", "64 hexadecimal digits");
        refuse("ccodes-keys 1 seal\n\na deadbeefg0000000000000000000000000000000000000000000000000000000\n", "line 3");
        refuse("ccodes-keys 1 seal\nA " DEAD "\n", "line 2");
        refuse("ccodes-keys 1 seal\n12345678901234567 " DEAD "\n", "line 2");
        refuse("ccodes-keys 1 seal\n" DEAD "\n", "line 2");
        refuse("ccodes-keys 1 seal\na " ZERO "\na " DEAD "\n", "'a' already");
}

static void there_is_a_bound(void **state) {
        (void) state;
        _cleanup_text_ struct text text = TEXT_INIT;
        text_append_string(&text, "ccodes-keys 1 seal\n");
        for (unsigned i = 0; i < KEY_RING_MAX; i++)
                text_printf(&text, "k%u " ZERO "\n", i);
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = parse(text.data);
        assert_int_equal(ring->count, KEY_RING_MAX);
        assert_int_equal(key_ring_generate(ring, 0), -ENOSPC);
        text_append_string(&text, "more " ZERO "\n");
        refuse(text.data, "more than 32");
        assert_true(text.length < KEY_RING_TEXT_MAX);
}

static void what_is_written_is_read(void **state) {
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = key_ring_new(KEY_PURPOSE_SEAL);
        for (unsigned i = 0; i < KEY_RING_MAX; i++)
                assert_int_equal(key_ring_generate(ring, 1764201600), 0);
        assert_memory_equal(key_ring_newest(ring)->id, "20251127-", 9);
        assert_memory_not_equal(ring->keys[0].bytes, ring->keys[1].bytes, KEY_BYTES);
        _cleanup_text_ struct text text = TEXT_INIT;
        key_ring_write(ring, &text);
        _cleanup_(key_ring_unref_cleanup) struct key_ring *again = parse(text.data);
        assert_memory_equal(ring, again, sizeof(*ring));
}

static void old_keys_go(void **state) {
        (void) state;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring =
                        parse("ccodes-keys 1 seal\na " ZERO "\nb " ONES "\nc " DEAD "\n");
        assert_int_equal(key_ring_remove(ring, SLICE_LITERAL("c")), -EBUSY);
        assert_int_equal(key_ring_remove(ring, SLICE_LITERAL("d")), -ENOENT);
        assert_int_equal(key_ring_remove(ring, SLICE_LITERAL("a")), 0);
        assert_int_equal(ring->count, 2);
        assert_string_equal(ring->keys[0].id, "b");
        assert_string_equal(key_ring_newest(ring)->id, "c");
        static const unsigned char zero[sizeof(struct key)];
        assert_memory_equal(&ring->keys[2], zero, sizeof(zero));
}

static void it_comes_from_a_credential(void **state) {
        (void) state;
        char folder[] = "/tmp/ccodes-keys-XXXXXX", path[64];
        assert_non_null(mkdtemp(folder));
        assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
        (void) snprintf(path, sizeof(path), "%s/uploads", folder);
        struct error error = ERROR_INIT;
        struct key_ring *ring = NULL;
        assert_int_equal(key_ring_load("uploads", KEY_PURPOSE_SEAL, &error, &ring), -ENOENT);
        assert_non_null(strstr(error.text, "ccodesctl keys init"));

        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs("ccodes-keys 1 seal\nx deadbeef\n", file) >= 0);
        assert_int_equal(fclose(file), 0);
        error = ERROR_INIT;
        assert_int_equal(key_ring_load("uploads", KEY_PURPOSE_SEAL, &error, &ring), -EINVAL);
        assert_non_null(strstr(error.text, "credential 'uploads': line 2"));

        file = fopen(path, "w");
        assert_true(fputs("ccodes-keys 1 seal\nx " DEAD "\n", file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(key_ring_load("uploads", KEY_PURPOSE_SEAL, &error, &ring), 0);
        assert_string_equal(key_ring_newest(ring)->id, "x");
        key_ring_unref(ring);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_key_is_the_newest), cmocka_unit_test(a_line_without_its_end_is_one),
                cmocka_unit_test(what_is_wrong_is_named),     cmocka_unit_test(there_is_a_bound),
                cmocka_unit_test(what_is_written_is_read),    cmocka_unit_test(old_keys_go),
                cmocka_unit_test(it_comes_from_a_credential),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
