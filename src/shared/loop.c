/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the epoll descriptor, the timer wheel, the list of deferred work and the mailbox of one thread. While a turn runs
 * callbacks, events[event_index + 1 .. event_count) are the ones still to come; one whose descriptor is not watched any
 * more has no pointer. All but the mailbox and `turns` is touched by the loop's own thread alone. */
#include "shared/loop.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "shared/mailbox.h"
#include "shared/syscall.h"

/* So many that a busy worker pays one epoll_wait(2) for hundreds of requests; 6 KiB. */
#define EVENTS_MAX 512

struct loop {
        int epoll_fd;
        int wake_fd; /* an eventfd, edge-triggered and never read: each write is an edge */
        uint64_t now, now_usec;
        int64_t realtime_usec;
        uint64_t turns; /* atomic */
        bool is_stopping;
        int result;
        struct list deferred;
        unsigned event_index, event_count;

        int signal_fd;
        struct loop_io signal_io;
        void (*on_signal)(int signal_number, pid_t sender, void *userdata);
        void *signal_userdata;

        struct timer_wheel timers;
        struct epoll_event events[EVENTS_MAX];
        struct mailbox mailbox; /* far from the rest, for other threads write to its cache line */
};

static int64_t read_clock(clockid_t clock) {
        struct timespec time;
        (void) clock_gettime(clock, &time); /* cannot fail for these clocks */
        return (int64_t) time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void read_clocks(struct loop *loop) {
        loop->now_usec = (uint64_t) read_clock(CLOCK_MONOTONIC);
        loop->now = loop->now_usec / 1000;
        loop->realtime_usec = read_clock(CLOCK_REALTIME);
}

static int open_descriptors(struct loop *loop) {
        loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (loop->epoll_fd < 0)
                return -errno;
        loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (loop->wake_fd < 0)
                return -errno;
        struct epoll_event event = { .events = EPOLLIN | EPOLLET }; /* without a pointer: nothing to call */
        return NEGATIVE_ERRNO(epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event));
}

int loop_new(struct loop **ret_loop) {
        struct loop *loop = calloc(1, sizeof(*loop));
        if (!loop)
                return -ENOMEM;
        loop->epoll_fd = loop->wake_fd = loop->signal_fd = -1;
        loop->signal_io = LOOP_IO_INIT;
        list_init(&loop->deferred);
        read_clocks(loop);
        timer_wheel_init(&loop->timers, loop->now);

        int r = open_descriptors(loop);
        if (r < 0) {
                loop_free(loop);
                return r;
        }
        *ret_loop = loop;
        return 0;
}

void loop_free(struct loop *loop) {
        if (!loop)
                return;
        while (mailbox_deliver(&loop->mailbox))
                ;
        list_for_each (link, &loop->deferred)
                list_remove(link);
        close_fd(loop->signal_fd);
        close_fd(loop->wake_fd);
        close_fd(loop->epoll_fd);
        free(loop);
}

uint64_t loop_now(const struct loop *loop) {
        return loop->now;
}

uint64_t loop_now_usec(const struct loop *loop) {
        return loop->now_usec;
}

int64_t loop_realtime_usec(const struct loop *loop) {
        return loop->realtime_usec;
}

uint64_t loop_turns(const struct loop *loop) {
        return __atomic_load_n(&loop->turns, __ATOMIC_RELAXED);
}

void loop_stop(struct loop *loop, int result) {
        loop->is_stopping = true;
        loop->result = result;
}

/* For epoll_wait(2): ms, 0 not to wait, -1 for ever. Never less than is left to the deadline, as `now` is rounded down. */
static int timeout_of(const struct loop *loop) {
        if (!list_is_empty(&loop->deferred))
                return 0;
        uint64_t next = timer_wheel_next(&loop->timers);
        if (next == UINT64_MAX)
                return -1;
        return next <= loop->now ? 0 : (int) MIN_OF(next - loop->now, (uint64_t) INT_MAX);
}

static int wait_for_events(struct loop *loop) {
        int timeout = timeout_of(loop);
        bool sleeps = timeout != 0 && mailbox_sleep(&loop->mailbox);
        int count = NEGATIVE_ERRNO(epoll_wait(loop->epoll_fd, loop->events, EVENTS_MAX, sleeps ? timeout : 0));
        if (sleeps)
                mailbox_wake(&loop->mailbox);
        return count == -EINTR ? 0 : count;
}

static void dispatch_events(struct loop *loop, unsigned count) {
        loop->event_count = count;
        for (loop->event_index = 0; loop->event_index < count; loop->event_index++) {
                const struct epoll_event *event = &loop->events[loop->event_index];
                struct loop_io *io = event->data.ptr;
                if (!io)
                        continue;
                uint32_t events = event->events & (io->events | EPOLLERR | EPOLLHUP);
                if (events)
                        io->on_event(io, events, io->userdata);
        }
        loop->event_index = loop->event_count = 0;
}

static void run_deferred(struct loop *loop) {
        for (unsigned round = 0; round < LOOP_DEFERRED_ROUNDS && !list_is_empty(&loop->deferred); round++) {
                struct list batch;
                list_init(&batch);
                list_splice(&batch, &loop->deferred);
                while (!list_is_empty(&batch)) {
                        struct loop_deferred *deferred = list_entry(batch.next, struct loop_deferred, link);
                        list_remove(&deferred->link);
                        deferred->run(deferred, deferred->userdata);
                }
        }
}

int loop_run(struct loop *loop) {
        read_clocks(loop); /* what came before may have taken long */
        while (!loop->is_stopping) {
                int count = wait_for_events(loop);
                if (count < 0)
                        return count;
                read_clocks(loop);
                dispatch_events(loop, (unsigned) count);
                (void) mailbox_deliver(&loop->mailbox);
                timer_wheel_advance(&loop->timers, loop->now);
                run_deferred(loop);
                __atomic_store_n(&loop->turns, loop->turns + 1, __ATOMIC_RELAXED);
        }
        loop->is_stopping = false;
        return loop->result;
}

int loop_io_start(struct loop *loop, struct loop_io *io, int fd, uint32_t events,
                  void (*on_event)(struct loop_io *io, uint32_t events, void *userdata), void *userdata) {
        struct epoll_event event = { .events = events, .data.ptr = io };
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
                return -errno;
        *io = (struct loop_io) { .fd = fd, .events = events, .on_event = on_event, .userdata = userdata };
        return 0;
}

int loop_io_change(struct loop *loop, struct loop_io *io, uint32_t events) {
        /* With these two, setting the same events again has an effect: it arms anew. */
        if (events == io->events && !(events & (EPOLLET | EPOLLONESHOT)))
                return 0;
        struct epoll_event event = { .events = events, .data.ptr = io };
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, io->fd, &event) < 0)
                return -errno;
        io->events = events;
        return 0;
}

void loop_io_stop(struct loop *loop, struct loop_io *io) {
        if (!loop_io_is_started(io))
                return;
        (void) epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
        io->fd = -1;
        for (unsigned i = loop->event_index; i < loop->event_count; i++)
                if (loop->events[i].data.ptr == io) {
                        loop->events[i].data.ptr = NULL;
                        break;
                }
}

void loop_timer_start(struct loop *loop, struct timer *timer, uint64_t deadline_ms) {
        timer_wheel_start(&loop->timers, timer, deadline_ms);
}

void loop_timer_stop(struct loop *loop, struct timer *timer) {
        timer_wheel_stop(&loop->timers, timer);
}

void loop_deferred_init(struct loop_deferred *deferred, void (*run)(struct loop_deferred *, void *), void *userdata) {
        *deferred = (struct loop_deferred) { .run = run, .userdata = userdata };
        list_init(&deferred->link);
}

void loop_defer(struct loop *loop, struct loop_deferred *deferred) {
        if (list_is_empty(&deferred->link))
                list_append(&loop->deferred, &deferred->link);
}

void loop_deferred_cancel(struct loop_deferred *deferred) {
        list_remove(&deferred->link);
}

void loop_post(struct loop *loop, struct loop_message *message) {
        if (mailbox_put(&loop->mailbox, message)) {
                uint64_t one = 1;
                /* Fails only with a full counter, after 2^64 - 1 writes. */
                (void) !write(loop->wake_fd, &one, sizeof(one));
        }
}

static void on_signal_event(struct loop_io *io, uint32_t events, void *userdata) {
        struct loop *loop = userdata;
        struct signalfd_siginfo info;
        while (read(io->fd, &info, sizeof(info)) == sizeof(info))
                loop->on_signal((int) info.ssi_signo, (pid_t) info.ssi_pid, loop->signal_userdata);
}

int loop_watch_signals(struct loop *loop, const sigset_t *signals,
                       void (*on_signal)(int signal_number, pid_t sender, void *userdata), void *userdata) {
        if (loop->signal_fd >= 0)
                return -EBUSY;
        _cleanup_close_ int fd = NEGATIVE_ERRNO(signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK));
        if (fd < 0)
                return fd;
        int r = loop_io_start(loop, &loop->signal_io, fd, EPOLLIN, on_signal_event, loop);
        if (r < 0)
                return r;

        loop->on_signal = on_signal;
        loop->signal_userdata = userdata;
        loop->signal_fd = take_fd(&fd);
        return -pthread_sigmask(SIG_BLOCK, signals, NULL); /* cannot fail with SIG_BLOCK */
}
