/* SPDX-License-Identifier: Apache-2.0 */
/* A stack that senders push to one by one and the receiver takes as a whole and turns round, which keeps the order of
 * each sender and has no ABA problem. `newest` is NULL (empty), &asleep (empty and the receiver sleeps), or a message. */
#include "shared/mailbox.h"

#include <stddef.h>

/* Stands for the sleeping receiver; only its address matters. */
static const struct loop_message asleep;
#define ASLEEP ((struct loop_message *) &asleep)

bool mailbox_put(struct mailbox *mailbox, struct loop_message *message) {
        struct loop_message *newest = __atomic_load_n(&mailbox->newest, __ATOMIC_RELAXED);
        do
                message->next = newest == ASLEEP ? NULL : newest;
        while (!__atomic_compare_exchange_n(&mailbox->newest, &newest, message, true, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED));
        return newest == ASLEEP;
}

bool mailbox_sleep(struct mailbox *mailbox) {
        struct loop_message *expected = NULL;
        return __atomic_compare_exchange_n(&mailbox->newest, &expected, ASLEEP, false, __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED);
}

void mailbox_wake(struct mailbox *mailbox) {
        struct loop_message *expected = ASLEEP;
        (void) __atomic_compare_exchange_n(&mailbox->newest, &expected, NULL, false, __ATOMIC_RELAXED,
                                           __ATOMIC_RELAXED);
}

bool mailbox_deliver(struct mailbox *mailbox) {
        if (!__atomic_load_n(&mailbox->newest, __ATOMIC_RELAXED))
                return false;

        struct loop_message *oldest = NULL;
        for (struct loop_message *message = __atomic_exchange_n(&mailbox->newest, NULL, __ATOMIC_ACQUIRE), *next;
             message; message = next) {
                next = message->next;
                message->next = oldest;
                oldest = message;
        }
        while (oldest) {
                struct loop_message *message = oldest;
                oldest = message->next; /* its owner has it back with the call, and may free it or post it again */
                message->deliver(message, message->userdata);
        }
        return true;
}
