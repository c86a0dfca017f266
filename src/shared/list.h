/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* An intrusive, circular, doubly linked list: no allocation, removal in O(1) without knowing the list. */
struct list {
        struct list *next, *previous;
};

static inline void list_init(struct list *head) {
        head->next = head->previous = head;
}

static inline bool list_is_empty(const struct list *head) {
        return head->next == head;
}

static inline void list_insert_between(struct list *entry, struct list *previous, struct list *next) {
        entry->previous = previous;
        entry->next = next;
        previous->next = entry;
        next->previous = entry;
}

static inline void list_append(struct list *head, struct list *entry) {
        list_insert_between(entry, head->previous, head);
}

static inline void list_prepend(struct list *head, struct list *entry) {
        list_insert_between(entry, head, head->next);
}

/* Leaves the entry pointing to itself, so that removing twice, or one that was only init'ed, is harmless. */
static inline void list_remove(struct list *entry) {
        entry->previous->next = entry->next;
        entry->next->previous = entry->previous;
        list_init(entry);
}

/* Moves all of `from` to the end of `head`; leaves `from` empty. */
static inline void list_splice(struct list *head, struct list *from) {
        if (list_is_empty(from))
                return;
        from->next->previous = head->previous;
        head->previous->next = from->next;
        from->previous->next = head;
        head->previous = from->previous;
        list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)

/* Safe against removal of `link` itself within the loop. */
#define list_for_each(link, head)                                                         \
        for (struct list *link = (head)->next, *next_##link = link->next; link != (head); \
             link = next_##link, next_##link = link->next)
