/* SPDX-License-Identifier: Apache-2.0 */
/* Sends log entries to journald. Owns the socket and the batch of encoded entries; an entry is sent once or counted as
 * lost. The logging thread may wait here for journald, nobody else does. */
#include <endian.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "shared/log_private.h"

#define BATCH_BYTES_MAX (256 * 1024)
#define SEND_BUFFER_BYTES (1024 * 1024) /* or what the kernel gives; larger entries go as files */

int log_journal_init(struct log_journal *journal, const char *path, const char *program,
                     const struct log_patience *patience) {
        struct log_journal opened = { .program = program, .patience = patience, .address.sun_family = AF_UNIX };
        size_t length = strlen(path);
        if (length >= sizeof(opened.address.sun_path))
                return -ENAMETOOLONG;
        memcpy(opened.address.sun_path, path, length);
        if (access(path, F_OK) < 0)
                return -errno;

        _cleanup_close_ int fd = NEGATIVE_ERRNO(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (fd < 0)
                return fd;
        int size = SEND_BUFFER_BYTES;
        (void) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        struct timeval timeout = { .tv_sec = patience->milliseconds / 1000,
                                   .tv_usec = patience->milliseconds % 1000 * 1000 };
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                return -errno;
        opened.fd = take_fd(&fd);
        *journal = opened;
        return 0;
}

void log_journal_done(struct log_journal *journal) {
        journal->fd = close_fd(journal->fd);
        text_done(&journal->batch);
}

/* A value with a newline goes with its length in front, so that it cannot begin another field. */
static void append_field(struct text *text, const char *name, struct slice value) {
        text_append_string(text, name);
        if (value.length && memchr(value.data, '\n', value.length)) {
                uint64_t length = htole64(value.length);
                text_append_char(text, '\n');
                text_append(text, (struct slice) { (const char *) &length, sizeof(length) });
        } else {
                text_append_char(text, '=');
        }
        text_append(text, value);
        text_append_char(text, '\n');
}

static void count_lost(struct log_journal *journal, size_t count) {
        __atomic_fetch_add(&journal->lost, count, __ATOMIC_RELAXED);
}

void log_journal_append(struct log_journal *journal, const struct log_entry *entry) {
        struct text *text = &journal->batch;
        size_t start = text->length;
        const char priority = (char) ('0' + entry->level);
        append_field(text, "PRIORITY", (struct slice) { &priority, 1 });
        append_field(text, "SYSLOG_IDENTIFIER", slice_of(journal->program));
        append_field(text, "MESSAGE", entry->text);
        if (entry->message_id)
                append_field(text, "MESSAGE_ID", slice_of(entry->message_id));
        for (size_t i = 0; i < entry->field_count; i++)
                append_field(text, entry->fields[i].name, entry->fields[i].value);

        if (text->failed) { /* no memory: this entry goes, those before stay */
                text->length = start;
                text->failed = false;
                count_lost(journal, 1);
                log_journal_flush(journal);
                return;
        }
        journal->ends[journal->count++] = text->length;
        if (journal->count == LOG_JOURNAL_BATCH || text->length >= BATCH_BYTES_MAX)
                log_journal_flush(journal);
}

/* An entry that is too large for a datagram goes as a sealed file in memory. */
static int send_as_file(struct log_journal *journal, struct slice entry) {
        _cleanup_close_ int file = NEGATIVE_ERRNO(memfd_create("log-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        if (file < 0)
                return file;
        while (entry.length) {
                ssize_t count = write(file, entry.data, entry.length);
                if (count < 0)
                        return -errno;
                entry = slice_from(entry, (size_t) count);
        }
        if (fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;

        union {
                char space[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = { 0 };
        struct msghdr message = {
                .msg_name = &journal->address,
                .msg_namelen = sizeof(journal->address),
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        struct cmsghdr *part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(part), &file, sizeof(int));
        return sendmsg(journal->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* What became of a failed attempt to send the first of some entries. */
enum verdict {
        VERDICT_RETRY,
        VERDICT_SENT,
        VERDICT_LOST,
};

static enum verdict judge_failure(struct log_journal *journal, int r, struct slice entry) {
        if (r == -EMSGSIZE || r == -ENOBUFS) {
                r = send_as_file(journal, entry);
                if (r == 0)
                        return VERDICT_SENT;
        }
        switch (r) {
        case -EINTR:
                return VERDICT_RETRY;
        case -EAGAIN: /* SO_SNDTIMEO is over: journald is stuck */
                journal->has_given_up = __atomic_load_n(&journal->patience->is_stopping, __ATOMIC_RELAXED);
                return journal->has_given_up ? VERDICT_LOST : VERDICT_RETRY;
        default: /* nobody is there, for example */
                return VERDICT_LOST;
        }
}

/* Returns how many were sent, at least one, or a negative errno of the first. */
static int send_messages(struct log_journal *journal, struct mmsghdr *messages, size_t count) {
        if (!journal->lacks_sendmmsg) {
                int r = NEGATIVE_ERRNO(sendmmsg(journal->fd, messages, (unsigned) count, MSG_NOSIGNAL));
                if (r != -ENOSYS)
                        return r;
                journal->lacks_sendmmsg = true; /* a filter that does not know it */
        }
        return sendmsg(journal->fd, &messages->msg_hdr, MSG_NOSIGNAL) < 0 ? -errno : 1;
}

static struct slice batch_entry(const struct log_journal *journal, size_t index) {
        size_t start = index ? journal->ends[index - 1] : 0;
        return (struct slice) { journal->batch.data + start, journal->ends[index] - start };
}

static void send_batch(struct log_journal *journal) {
        struct iovec vectors[LOG_JOURNAL_BATCH];
        struct mmsghdr messages[LOG_JOURNAL_BATCH];
        for (size_t i = 0; i < journal->count; i++) {
                struct slice entry = batch_entry(journal, i);
                vectors[i] = (struct iovec) { (char *) entry.data, entry.length };
                messages[i].msg_hdr = (struct msghdr) {
                        .msg_name = &journal->address,
                        .msg_namelen = sizeof(journal->address),
                        .msg_iov = &vectors[i],
                        .msg_iovlen = 1,
                };
        }

        for (size_t done = 0; done < journal->count;) {
                if (journal->has_given_up) {
                        count_lost(journal, journal->count - done);
                        return;
                }
                int sent = send_messages(journal, messages + done, journal->count - done);
                if (sent >= 0) {
                        done += (size_t) sent;
                        continue;
                }
                enum verdict verdict = judge_failure(journal, sent, batch_entry(journal, done));
                if (verdict == VERDICT_RETRY)
                        continue;
                if (verdict == VERDICT_LOST)
                        count_lost(journal, 1);
                done++;
        }
}

void log_journal_flush(struct log_journal *journal) {
        send_batch(journal);
        journal->count = 0;
        if (journal->batch.capacity > 4 * BATCH_BYTES_MAX)
                text_done(&journal->batch); /* one entry was huge: do not keep its memory */
        journal->batch.length = 0;
}
