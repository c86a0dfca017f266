/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "shared/loop.h"

/*
 * The queue behind loop_post: many senders, one receiver, one atomic word, no lock.
 *
 * The word holds the newest message, or nothing, or the mark that the receiver sleeps. The mark and the messages being
 * in one word is what makes the wake-up race-free: the receiver can set the mark only while there is no message, and of
 * the senders exactly the one that replaces the mark has to wake it.
 */
struct mailbox {
        struct loop_message *newest; /* atomic */
};

/* Any thread. True when the receiver sleeps and the caller has to wake it. */
bool mailbox_put(struct mailbox *mailbox, struct loop_message *message);

/* The rest is the receiver's. True when it may sleep; false when there are messages to deliver first. */
bool mailbox_sleep(struct mailbox *mailbox);

/* After sleeping, whatever ended it: from here on senders need not wake the receiver. */
void mailbox_wake(struct mailbox *mailbox);

/* Delivers what had been put in when it was called, oldest first. False when there was nothing. */
bool mailbox_deliver(struct mailbox *mailbox);
