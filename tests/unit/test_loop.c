/* SPDX-License-Identifier: Apache-2.0 */
/* The loop on pipes, timers, deferred work, messages and signals; above all that nothing reaches a descriptor any more
 * after it was stopped, and that nobody is starved. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shared/loop.h"
#include "shared/syscall.h"

static struct loop *make_loop(void) {
        struct loop *loop = NULL;
        assert_int_equal(loop_new(&loop), 0);
        return loop;
}

static void stop_loop(struct loop_deferred *deferred, void *userdata) {
        (void) deferred;
        loop_stop(userdata, 0);
}

/* One turn, which does not sleep. */
static void run_turn(struct loop *loop) {
        struct loop_deferred deferred;
        uint64_t turns = loop_turns(loop);
        loop_deferred_init(&deferred, stop_loop, loop);
        loop_defer(loop, &deferred);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(loop_turns(loop), turns + 1);
}

/* A pipe whose reading end is watched. */
struct channel {
        struct loop *loop;
        struct loop_io io;
        int fds[2];
        unsigned calls;
        uint32_t events;
        void (*action)(struct channel *channel);
        struct channel **other; /* shared by a pair, for the action */
};

static void channel_free(struct channel *channel) {
        loop_io_stop(channel->loop, &channel->io);
        assert_false(loop_io_is_started(&channel->io));
        close_fd(channel->fds[0]);
        close_fd(channel->fds[1]);
        test_free(channel);
}

static void on_event(struct loop_io *io, uint32_t events, void *userdata) {
        struct channel *channel = userdata;
        assert_ptr_equal(io, &channel->io);
        channel->calls++;
        channel->events = events;
        if (channel->action)
                channel->action(channel);
}

static void channel_fill(struct channel *channel) {
        assert_int_equal(write(channel->fds[1], "x", 1), 1);
}

static struct channel *channel_new(struct loop *loop, uint32_t events) {
        struct channel *channel = test_calloc(1, sizeof(*channel));
        channel->loop = loop;
        channel->io = LOOP_IO_INIT;
        assert_int_equal(pipe2(channel->fds, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(loop_io_start(loop, &channel->io, channel->fds[0], events, on_event, channel), 0);
        return channel;
}

static void stopping_gives_the_result(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        loop_stop(loop, 42);
        assert_int_equal(loop_run(loop), 42);
        assert_int_equal(loop_turns(loop), 0);
        run_turn(loop);
        loop_free(loop);
        loop_free(NULL);
}

static void the_clocks_are_those_of_the_system(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        struct timespec realtime_before, realtime_after;
        clock_gettime(CLOCK_REALTIME, &realtime_before);
        run_turn(loop);
        clock_gettime(CLOCK_MONOTONIC, &after);
        uint64_t now = loop_now_usec(loop);
        assert_true(now >= (uint64_t) before.tv_sec * 1000000 + (uint64_t) before.tv_nsec / 1000);
        assert_true(now <= (uint64_t) after.tv_sec * 1000000 + (uint64_t) after.tv_nsec / 1000);
        assert_int_equal(loop_now(loop), now / 1000);
        clock_gettime(CLOCK_REALTIME, &realtime_after);
        assert_in_range(loop_realtime(loop), realtime_before.tv_sec, realtime_after.tv_sec);
        loop_free(loop);
}

static void events_are_delivered_while_they_are_asked_for(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct channel *channel = channel_new(loop, EPOLLIN);
        run_turn(loop);
        assert_int_equal(channel->calls, 0);
        channel_fill(channel);
        run_turn(loop);
        run_turn(loop);
        assert_int_equal(channel->calls, 2); /* level-triggered */
        assert_int_equal(channel->events, EPOLLIN);

        assert_int_equal(loop_io_change(loop, &channel->io, 0), 0);
        run_turn(loop);
        assert_int_equal(channel->calls, 2);
        assert_int_equal(loop_io_change(loop, &channel->io, EPOLLIN), 0);
        assert_int_equal(loop_io_change(loop, &channel->io, EPOLLIN), 0);
        run_turn(loop);
        assert_int_equal(channel->calls, 3);

        loop_io_stop(loop, &channel->io);
        loop_io_stop(loop, &channel->io);
        run_turn(loop);
        assert_int_equal(channel->calls, 3);
        channel_free(channel);
        loop_free(loop);
}

static void a_hang_up_is_delivered_unasked(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct channel *channel = channel_new(loop, 0);
        channel->fds[1] = close_fd(channel->fds[1]);
        run_turn(loop);
        assert_int_equal(channel->calls, 1);
        assert_int_equal(channel->events, EPOLLHUP);
        channel_free(channel);
        loop_free(loop);
}

static void one_shot_is_armed_again_by_the_same_events(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct channel *channel = channel_new(loop, EPOLLIN | EPOLLONESHOT);
        channel_fill(channel);
        run_turn(loop);
        run_turn(loop);
        assert_int_equal(channel->calls, 1);
        assert_int_equal(loop_io_change(loop, &channel->io, EPOLLIN | EPOLLONESHOT), 0);
        run_turn(loop);
        assert_int_equal(channel->calls, 2);
        channel_free(channel);
        loop_free(loop);
}

static void what_epoll_refuses_is_reported(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct loop_io io = LOOP_IO_INIT;
        assert_int_equal(loop_io_start(loop, &io, -1, EPOLLIN, on_event, NULL), -EBADF);
        assert_int_equal(io.fd, -1);
        _cleanup_close_ int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(loop_io_start(loop, &io, folder, EPOLLIN, on_event, NULL), -EPERM);
        assert_false(loop_io_is_started(&io));
        loop_free(loop);
}

static void free_other(struct channel *channel) {
        struct channel **self = channel->other, *first = self[0], *second = self[1];
        struct channel *other = first == channel ? second : first;
        if (other) {
                self[first == other ? 0 : 1] = NULL;
                channel_free(other);
        }
}

/* Both are readable in the same turn; whichever comes first frees the other. ASan would see a late delivery. */
static void a_stopped_one_may_be_freed_at_once(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct channel *pair[2] = { channel_new(loop, EPOLLIN), channel_new(loop, EPOLLIN) };
        for (size_t i = 0; i < 2; i++) {
                pair[i]->other = pair;
                pair[i]->action = free_other;
                channel_fill(pair[i]);
        }
        run_turn(loop);
        struct channel *left = pair[0] ? pair[0] : pair[1];
        assert_true(!pair[0] || !pair[1]);
        assert_int_equal(left->calls, 1);
        channel_free(left);
        loop_free(loop);
}

static void free_self(struct channel *channel) {
        *channel->other = NULL;
        channel_free(channel);
}

static void one_may_free_itself(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct channel *channels[20];
        for (size_t i = 0; i < ELEMENTS_OF(channels); i++) {
                channels[i] = channel_new(loop, EPOLLIN);
                channels[i]->other = &channels[i];
                channels[i]->action = free_self;
                channel_fill(channels[i]);
        }
        run_turn(loop);
        for (size_t i = 0; i < ELEMENTS_OF(channels); i++)
                assert_null(channels[i]);
        loop_free(loop);
}

static void restart_other(struct channel *channel) {
        struct channel *other = channel->other[channel->other[0] == channel];
        loop_io_stop(channel->loop, &other->io);
        assert_int_equal(loop_io_start(channel->loop, &other->io, other->fds[0], EPOLLIN, on_event, other), 0);
        channel->action = other->action = NULL;
}

static void silence_other(struct channel *channel) {
        struct channel *other = channel->other[channel->other[0] == channel];
        assert_int_equal(loop_io_change(channel->loop, &other->io, 0), 0);
        channel->action = other->action = NULL;
}

/* What epoll reported before a stop or change belongs to the past, even when the same object is started anew. */
static void events_from_before_are_not_delivered(void **state) {
        (void) state;
        void (*const actions[])(struct channel * channel) = { restart_other, silence_other };
        for (size_t i = 0; i < ELEMENTS_OF(actions); i++) {
                struct loop *loop = make_loop();
                struct channel *pair[2] = { channel_new(loop, EPOLLIN), channel_new(loop, EPOLLIN) };
                for (size_t j = 0; j < 2; j++) {
                        pair[j]->other = pair;
                        pair[j]->action = actions[i];
                        channel_fill(pair[j]);
                }
                run_turn(loop);
                assert_int_equal(pair[0]->calls + pair[1]->calls, 1);
                run_turn(loop);
                assert_int_equal(pair[0]->calls + pair[1]->calls, actions[i] == restart_other ? 3 : 2);
                channel_free(pair[0]);
                channel_free(pair[1]);
                loop_free(loop);
        }
}

struct alarm {
        struct timer timer;
        struct loop *loop;
        uint64_t deadline;
        unsigned *order, place;
};

static void on_alarm(struct timer *timer, void *userdata) {
        struct alarm *alarm = userdata;
        assert_ptr_equal(timer, &alarm->timer);
        assert_true(loop_now(alarm->loop) >= alarm->deadline);
        alarm->place = ++*alarm->order;
        if (*alarm->order == 3)
                loop_stop(alarm->loop, 0);
}

static void timers_fire_in_order_and_never_early(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        unsigned order = 0;
        struct alarm alarms[4];
        static const uint64_t delays[] = { 12, 0, 3, 5 };
        for (size_t i = 0; i < 4; i++) {
                alarms[i] = (struct alarm) { .loop = loop, .order = &order, .deadline = loop_now(loop) + delays[i] };
                timer_init(&alarms[i].timer, on_alarm, &alarms[i]);
                loop_timer_start(loop, &alarms[i].timer, alarms[i].deadline);
        }
        loop_timer_stop(loop, &alarms[3].timer);
        assert_int_equal(loop_run(loop), 0); /* sleeps between them: they are all that wakes it */
        assert_int_equal(alarms[1].place, 1);
        assert_int_equal(alarms[2].place, 2);
        assert_int_equal(alarms[0].place, 3);
        assert_int_equal(alarms[3].place, 0);
        loop_free(loop);
}

struct work {
        struct loop_deferred deferred;
        struct loop *loop;
        struct work *next; /* deferred by this one */
        struct work *cancels;
        unsigned runs;
};

static void run_work(struct loop_deferred *deferred, void *userdata) {
        struct work *work = userdata;
        assert_ptr_equal(deferred, &work->deferred);
        work->runs++;
        if (work->next)
                loop_defer(work->loop, &work->next->deferred);
        if (work->cancels)
                loop_deferred_cancel(&work->cancels->deferred);
}

static void work_init(struct work *work, struct loop *loop, struct work *next) {
        *work = (struct work) { .loop = loop, .next = next };
        loop_deferred_init(&work->deferred, run_work, work);
}

static void deferred_work_runs_once_a_deferral(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct work work;
        work_init(&work, loop, NULL);
        run_turn(loop);
        assert_int_equal(work.runs, 0);
        loop_defer(loop, &work.deferred);
        loop_defer(loop, &work.deferred);
        run_turn(loop);
        run_turn(loop);
        assert_int_equal(work.runs, 1);

        loop_defer(loop, &work.deferred);
        loop_deferred_cancel(&work.deferred);
        loop_deferred_cancel(&work.deferred);
        run_turn(loop);
        assert_int_equal(work.runs, 1);
        loop_free(loop);
}

static void work_deferred_by_work_runs_in_the_same_turn(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct work first, second, third;
        work_init(&first, loop, &second);
        work_init(&second, loop, &third);
        work_init(&third, loop, NULL);
        loop_defer(loop, &first.deferred);
        run_turn(loop);
        assert_int_equal(first.runs + second.runs + third.runs, 3);
        loop_free(loop);
}

static void work_may_cancel_what_is_to_run_after_it(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct work first, second;
        work_init(&first, loop, NULL);
        work_init(&second, loop, NULL);
        first.cancels = &second;
        loop_defer(loop, &first.deferred);
        loop_defer(loop, &second.deferred);
        run_turn(loop);
        assert_int_equal(first.runs, 1);
        assert_int_equal(second.runs, 0);
        loop_free(loop);
}

static void endless_work_starves_neither_io_nor_timers(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        struct work work;
        unsigned order = 0;
        struct alarm alarm = { .loop = loop, .order = &order };
        struct channel *channel = channel_new(loop, EPOLLIN);
        channel_fill(channel);
        work_init(&work, loop, &work);
        timer_init(&alarm.timer, on_alarm, &alarm);
        loop_timer_start(loop, &alarm.timer, loop_now(loop));
        loop_defer(loop, &work.deferred);
        for (unsigned i = 1; i <= 3; i++) {
                run_turn(loop);
                assert_int_equal(work.runs, i * LOOP_DEFERRED_ROUNDS);
                assert_int_equal(channel->calls, i);
        }
        assert_int_equal(order, 1);
        channel_free(channel);
        loop_free(loop);                      /* forgets the work */
        loop_deferred_cancel(&work.deferred); /* which may still be cancelled */
}

struct letter {
        struct loop_message message;
        struct loop *loop;
        struct letter *reply; /* posted on delivery */
        unsigned *order, place;
};

static void on_letter(struct loop_message *message, void *userdata) {
        struct letter *letter = userdata;
        assert_ptr_equal(message, &letter->message);
        letter->place = ++*letter->order;
        if (letter->reply)
                loop_post(letter->loop, &letter->reply->message);
}

static void letters_init(struct letter *letters, size_t count, struct loop *loop, unsigned *order) {
        for (size_t i = 0; i < count; i++) {
                letters[i] = (struct letter) { .loop = loop, .order = order };
                letters[i].message = (struct loop_message) { .deliver = on_letter, .userdata = &letters[i] };
        }
}

static void messages_come_in_order(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        unsigned order = 0;
        struct letter letters[3];
        letters_init(letters, 3, loop, &order);
        for (size_t i = 0; i < 3; i++)
                loop_post(loop, &letters[i].message);
        assert_int_equal(order, 0);
        run_turn(loop);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(letters[i].place, i + 1);
        run_turn(loop);
        assert_int_equal(order, 3);
        loop_free(loop);
}

/* One that posts itself again at each delivery must not keep the turn from ending. */
static void a_reply_comes_in_the_next_turn(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        unsigned order = 0;
        struct letter letter;
        letters_init(&letter, 1, loop, &order);
        letter.reply = &letter;
        loop_post(loop, &letter.message);
        for (unsigned i = 1; i <= 5; i++) {
                run_turn(loop);
                assert_int_equal(order, i);
        }
        letter.reply = NULL;
        run_turn(loop);
        assert_int_equal(order, 6);
        loop_free(loop);
}

static void what_is_undelivered_is_delivered_on_free(void **state) {
        (void) state;
        struct loop *loop = make_loop();
        unsigned order = 0;
        struct letter letters[2];
        letters_init(letters, 2, loop, &order);
        letters[0].reply = &letters[1];
        loop_post(loop, &letters[0].message);
        loop_free(loop);
        assert_int_equal(letters[1].place, 2);
}

struct delivery {
        struct loop *loop;
        int signal_number, count;
        pid_t sender;
};

static void on_signal(int signal_number, pid_t sender, void *userdata) {
        struct delivery *delivery = userdata;
        delivery->signal_number = signal_number;
        delivery->sender = sender;
        delivery->count++;
        loop_stop(delivery->loop, 0);
}

static void signals_come_through_the_loop(void **state) {
        (void) state;
        sigset_t signals, before;
        sigemptyset(&signals);
        sigaddset(&signals, SIGUSR1);
        sigaddset(&signals, SIGTERM);
        pthread_sigmask(SIG_SETMASK, NULL, &before);

        struct loop *loop = make_loop();
        struct delivery delivery = { .loop = loop };
        assert_int_equal(loop_watch_signals(loop, &signals, on_signal, &delivery), 0);
        assert_int_equal(loop_watch_signals(loop, &signals, on_signal, &delivery), -EBUSY);
        raise(SIGTERM);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(delivery.signal_number, SIGTERM);
        assert_int_equal(delivery.sender, getpid());
        raise(SIGTERM);
        raise(SIGUSR1);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(delivery.count, 3);
        loop_free(loop);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(stopping_gives_the_result),
                cmocka_unit_test(the_clocks_are_those_of_the_system),
                cmocka_unit_test(events_are_delivered_while_they_are_asked_for),
                cmocka_unit_test(a_hang_up_is_delivered_unasked),
                cmocka_unit_test(one_shot_is_armed_again_by_the_same_events),
                cmocka_unit_test(what_epoll_refuses_is_reported),
                cmocka_unit_test(a_stopped_one_may_be_freed_at_once),
                cmocka_unit_test(one_may_free_itself),
                cmocka_unit_test(events_from_before_are_not_delivered),
                cmocka_unit_test(timers_fire_in_order_and_never_early),
                cmocka_unit_test(deferred_work_runs_once_a_deferral),
                cmocka_unit_test(work_deferred_by_work_runs_in_the_same_turn),
                cmocka_unit_test(work_may_cancel_what_is_to_run_after_it),
                cmocka_unit_test(endless_work_starves_neither_io_nor_timers),
                cmocka_unit_test(messages_come_in_order),
                cmocka_unit_test(a_reply_comes_in_the_next_turn),
                cmocka_unit_test(what_is_undelivered_is_delivered_on_free),
                cmocka_unit_test(signals_come_through_the_loop),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
