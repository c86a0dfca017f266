/* SPDX-License-Identifier: Apache-2.0 */
/* The mailbox by itself, then several threads that post to a loop which falls asleep all the time: nothing lost, nothing
 * twice, each sender's order kept, no wake-up missed (a missed one hangs the test). Made for ThreadSanitizer. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/mailbox.h"
#include "shared/syscall.h"

#define SENDERS 6
#define ROUNDS 4000
#define WINDOW_MAX 32

static void count_delivery(struct loop_message *message, void *userdata) {
        (void) message;
        ++*(unsigned *) userdata;
}

static void only_the_first_one_wakes_a_sleeper(void **state) {
        (void) state;
        unsigned count = 0;
        struct mailbox mailbox = { 0 };
        struct loop_message messages[3];
        for (size_t i = 0; i < 3; i++)
                messages[i] = (struct loop_message) { .deliver = count_delivery, .userdata = &count };

        assert_false(mailbox_deliver(&mailbox));
        assert_true(mailbox_sleep(&mailbox));
        assert_true(mailbox_put(&mailbox, &messages[0]));
        assert_false(mailbox_put(&mailbox, &messages[1]));
        mailbox_wake(&mailbox);
        assert_false(mailbox_put(&mailbox, &messages[2]));
        assert_false(mailbox_sleep(&mailbox)); /* not with messages there */
        assert_true(mailbox_deliver(&mailbox));
        assert_int_equal(count, 3);

        assert_true(mailbox_sleep(&mailbox));
        mailbox_wake(&mailbox); /* by something else: nobody needs to wake it any more */
        assert_false(mailbox_put(&mailbox, &messages[0]));
        assert_true(mailbox_deliver(&mailbox));
        assert_false(mailbox_deliver(&mailbox));
        assert_int_equal(count, 4);
}

struct hall {
        struct loop *loop;
        unsigned senders_left;
};

struct post {
        struct loop_message message;
        struct sender *sender;
        unsigned number; /* written by the sender, read by the loop: the hand-over must order the two */
};

struct sender {
        pthread_t thread;
        struct hall *hall;
        sem_t room; /* posts of the window that the sender has back */
        unsigned window, expected;
        struct post posts[WINDOW_MAX];
};

static void on_post(struct loop_message *message, void *userdata) {
        struct post *post = userdata;
        struct sender *sender = post->sender;
        assert_ptr_equal(message, &post->message);
        assert_int_equal(post->number, sender->expected);
        sender->expected++;
        if (sender->expected == ROUNDS && --sender->hall->senders_left == 0)
                loop_stop(sender->hall->loop, 0);
        sem_post(&sender->room);
}

/* With a window of 1 the loop has nothing to do after each delivery, and sleeps; with a large one it is flooded. */
static void *post_all(void *userdata) {
        struct sender *sender = userdata;
        for (unsigned i = 0; i < ROUNDS; i++) {
                while (sem_wait(&sender->room) < 0)
                        ;
                struct post *post = &sender->posts[i % sender->window];
                post->number = i;
                loop_post(sender->hall->loop, &post->message);
        }
        return NULL;
}

static void run_senders(size_t count, const unsigned *windows) {
        struct hall hall = { .senders_left = (unsigned) count };
        struct sender senders[SENDERS];
        assert_int_equal(loop_new(&hall.loop), 0);
        for (size_t i = 0; i < count; i++) {
                struct sender *sender = &senders[i];
                *sender = (struct sender) { .hall = &hall, .window = windows[i] };
                assert_int_equal(sem_init(&sender->room, 0, windows[i]), 0);
                for (size_t j = 0; j < WINDOW_MAX; j++) {
                        struct post *post = &sender->posts[j];
                        post->sender = sender;
                        post->message = (struct loop_message) { .deliver = on_post, .userdata = post };
                }
                assert_int_equal(pthread_create(&sender->thread, NULL, post_all, sender), 0);
        }
        assert_int_equal(loop_run(hall.loop), 0);
        for (size_t i = 0; i < count; i++) {
                assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
                assert_int_equal(senders[i].expected, ROUNDS);
                sem_destroy(&senders[i].room);
        }
        loop_free(hall.loop);
}

static void one_sender_finds_the_loop_asleep_each_time(void **state) {
        (void) state;
        run_senders(1, (const unsigned[]) { 1 });
}

static void many_senders_lose_nothing(void **state) {
        (void) state;
        run_senders(SENDERS, (const unsigned[SENDERS]) { 1, 1, 1, 2, 7, WINDOW_MAX });
}

/* A watchdog's view: the turns grow because its message woke the loop. */
static void *watch_turns(void *userdata) {
        struct sender *sender = userdata;
        uint64_t turns = loop_turns(sender->hall->loop);
        loop_post(sender->hall->loop, &sender->posts[0].message);
        while (sem_wait(&sender->room) < 0)
                ;
        return (void *) (uintptr_t) (loop_turns(sender->hall->loop) >= turns);
}

static void stop_hall(struct loop_message *message, void *userdata) {
        (void) message;
        struct sender *sender = userdata;
        loop_stop(sender->hall->loop, 0);
        sem_post(&sender->room);
}

static void a_watchdog_may_look_at_the_turns(void **state) {
        (void) state;
        struct hall hall = { 0 };
        struct sender sender = { .hall = &hall };
        assert_int_equal(loop_new(&hall.loop), 0);
        assert_int_equal(sem_init(&sender.room, 0, 0), 0);
        sender.posts[0].message = (struct loop_message) { .deliver = stop_hall, .userdata = &sender };
        assert_int_equal(pthread_create(&sender.thread, NULL, watch_turns, &sender), 0);
        assert_int_equal(loop_run(hall.loop), 0);
        void *result = NULL;
        assert_int_equal(pthread_join(sender.thread, &result), 0);
        assert_non_null(result);
        sem_destroy(&sender.room);
        loop_free(hall.loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_the_first_one_wakes_a_sleeper),
                cmocka_unit_test(one_sender_finds_the_loop_asleep_each_time),
                cmocka_unit_test(many_senders_lose_nothing),
                cmocka_unit_test(a_watchdog_may_look_at_the_turns),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
