/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

#include "shared/list.h"
#include "shared/timer_wheel.h"

/*
 * The event loop of one thread: epoll, a timer wheel, deferred work, a mailbox and signals.
 *
 * Each turn reads the clocks once, waits, fires timers, runs I/O callbacks, then deferred work, then the turn hooks.
 * Only loop_post may be called from another thread. Callbacks get their own object back as userdata.
 */
struct loop;

int loop_new(struct loop **ret_loop);
void loop_free(struct loop *loop);

/* Runs until loop_stop; returns what was given to it, or a negative errno of epoll_wait. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop, int result);

/* The clocks as read at the start of this turn. */
uint64_t loop_now(const struct loop *loop);          /* CLOCK_MONOTONIC, ms */
uint64_t loop_now_usec(const struct loop *loop);     /* CLOCK_MONOTONIC, us */
int64_t loop_realtime_usec(const struct loop *loop); /* CLOCK_REALTIME, us since the epoch */
static inline time_t loop_realtime(const struct loop *loop) {
        return (time_t) (loop_realtime_usec(loop) / 1000000);
}

/* Turns so far: grows while the loop makes progress; read by a watchdog from another thread. */
uint64_t loop_turns(const struct loop *loop);

/* A descriptor that is watched. Embedded in its owner; the loop never closes the descriptor. */
struct loop_io {
        int fd; /* -1 while not watched */
        uint32_t events;
        void (*on_event)(struct loop_io *io, uint32_t events, void *userdata);
        void *userdata;
};

/* `events` as in epoll(7), EPOLLET and EPOLLEXCLUSIVE included. Negative errno of epoll_ctl. */
int loop_io_start(struct loop *loop, struct loop_io *io, int fd, uint32_t events,
                  void (*on_event)(struct loop_io *io, uint32_t events, void *userdata), void *userdata);
int loop_io_change(struct loop *loop, struct loop_io *io, uint32_t events);

/* Also takes back what epoll reported in this turn, so that the owner may be freed at once. */
void loop_io_stop(struct loop *loop, struct loop_io *io);

void loop_timer_start(struct loop *loop, struct timer *timer, uint64_t deadline_ms);
void loop_timer_stop(struct loop *loop, struct timer *timer);

/* Work for the end of this turn, before the loop waits again; each runs once a loop_defer. Starting twice is once. */
struct loop_deferred {
        struct list link;
        void (*run)(struct loop_deferred *deferred, void *userdata);
        void *userdata;
};

void loop_deferred_init(struct loop_deferred *deferred, void (*run)(struct loop_deferred *, void *), void *userdata);
void loop_defer(struct loop *loop, struct loop_deferred *deferred);
void loop_deferred_cancel(struct loop_deferred *deferred);

/*
 * A message from any thread. Embedded in its owner, which gives it away with loop_post and has it back when
 * `deliver` runs, on the loop's thread. Lock-free, in order per sender; wakes the loop only when it sleeps.
 * Messages that are still undelivered when the loop is freed are delivered then.
 */
struct loop_message {
        struct loop_message *next;
        void (*deliver)(struct loop_message *message, void *userdata);
        void *userdata;
};

void loop_post(struct loop *loop, struct loop_message *message);

/* Blocks the signals for this thread (call before other threads start) and reports them through signalfd. */
int loop_watch_signals(struct loop *loop, const sigset_t *signals,
                       void (*on_signal)(int signal_number, pid_t sender, void *userdata), void *userdata);
