/* SPDX-License-Identifier: Apache-2.0 */
/* struct list: order, removal while walking, splicing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/list.h"
#include "shared/slice.h"
#include "shared/syscall.h"

struct entry {
        struct list link;
        char name;
};

/* The names from front to back; the links are walked backwards as well, to find a broken one. */
static void expect(const struct list *head, const char *names) {
        size_t count = 0;
        for (const struct list *link = head->next; link != head; link = link->next) {
                assert_int_equal(list_entry(link, struct entry, link)->name, names[count]);
                assert_ptr_equal(link->next->previous, link);
                assert_ptr_equal(link->previous->next, link);
                count++;
        }
        assert_int_equal(names[count], '\0');
        assert_int_equal(list_is_empty(head), count == 0);
}

static void order(void **state) {
        (void) state;
        struct list head;
        struct entry a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
        list_init(&head);
        expect(&head, "");
        list_append(&head, &b.link);
        list_append(&head, &c.link);
        list_prepend(&head, &a.link);
        expect(&head, "abc");
        list_remove(&b.link);
        expect(&head, "ac");
        list_remove(&b.link); /* once more does no harm */
        expect(&head, "ac");
        list_remove(&a.link);
        list_remove(&c.link);
        expect(&head, "");
}

static void removal_while_walking(void **state) {
        (void) state;
        struct list head;
        struct entry entries[5];
        list_init(&head);
        for (size_t i = 0; i < 5; i++) {
                entries[i].name = (char) ('a' + i);
                list_append(&head, &entries[i].link);
        }
        list_for_each (link, &head)
                if (list_entry(link, struct entry, link)->name % 2)
                        list_remove(link);
        expect(&head, "bd");
        list_for_each (link, &head)
                list_remove(link);
        expect(&head, "");
}

static void splicing(void **state) {
        (void) state;
        struct list first, second;
        struct entry a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
        list_init(&first);
        list_init(&second);
        list_splice(&first, &second);
        expect(&first, "");
        list_append(&second, &b.link);
        list_append(&second, &c.link);
        list_splice(&first, &second);
        expect(&first, "bc");
        expect(&second, "");
        list_append(&second, &a.link);
        list_splice(&first, &second);
        expect(&first, "bca");
        list_splice(&first, &second);
        expect(&first, "bca");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(order),
                cmocka_unit_test(removal_while_walking),
                cmocka_unit_test(splicing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
