/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/buffer.h"
#include "shared/slice.h"

/*
 * The frames of one HTTP/2 connection, server side (RFC 9113): frame and stream states, HPACK (RFC 7541), flow control, the order in
 * which streams are served (RFC 9218), and whether heads are well-formed. It knows neither sockets nor requests: bytes go in
 * by h2_framing_read, which reports events; bytes come out by h2_framing_write.
 *
 * None of the functions below may be called from within an event but those that say so.
 */
struct h2_framing;

/* RFC 9113 section 6. */
enum h2_frame {
        H2_FRAME_DATA = 0,
        H2_FRAME_HEADERS = 1,
        H2_FRAME_PRIORITY = 2,
        H2_FRAME_RST_STREAM = 3,
        H2_FRAME_SETTINGS = 4,
        H2_FRAME_PING = 6,
        H2_FRAME_GOAWAY = 7,
        H2_FRAME_WINDOW_UPDATE = 8,
        H2_FRAME_CONTINUATION = 9,
        H2_FRAME_PRIORITY_UPDATE = 16,
};

#define H2_FLAG_END_STREAM 0x01 /* of DATA and HEADERS */
#define H2_FLAG_ACK 0x01        /* of SETTINGS and PING */
#define H2_FLAG_END_HEADERS 0x04
#define H2_FLAG_PADDED 0x08 /* of DATA and HEADERS */

/* RFC 9113 section 7. */
enum h2_error {
        H2_NO_ERROR = 0x0,
        H2_PROTOCOL_ERROR = 0x1,
        H2_INTERNAL_ERROR = 0x2,
        H2_FLOW_CONTROL_ERROR = 0x3,
        H2_STREAM_CLOSED = 0x5,
        H2_FRAME_SIZE_ERROR = 0x6,
        H2_REFUSED_STREAM = 0x7,
        H2_CANCEL = 0x8,
        H2_ENHANCE_YOUR_CALM = 0xb,
};

/* What a connection reports to its owner. `stream` is what on_head_begin gave. A negative return ends the connection: h2_framing_read
 * returns it. */
struct h2_events {
        /* A frame's header came, before anything else is made of it. `is_late`: it is of a stream that is over, or not taken any more,
         * and will be dropped. */
        int (*on_frame)(void *userdata, enum h2_frame type, unsigned flags, size_t length, bool is_late);

        /* A new stream; *ret_stream is the owner's part of it. */
        int (*on_head_begin)(void *userdata, int32_t id, void **ret_stream);

        /* A field of the head, pseudo-fields included, or of the trailers: the views end with the call. */
        int (*on_field)(void *userdata, void *stream, struct slice name, struct slice value);
        int (*on_head_end)(void *userdata, void *stream, bool is_end);
        int (*on_trailers_end)(void *userdata, void *stream);

        /* The owner gives the bytes' share of the windows back by h2_framing_consume, then or later. */
        int (*on_data)(void *userdata, void *stream, struct slice bytes);

        /* The client's half has ended; not called when the head was all of it. */
        int (*on_end)(void *userdata, void *stream);

        /* The stream is over, both ways, or was reset by either side; the last event of it. */
        void (*on_close)(void *userdata, void *stream, uint32_t error_code);

        /* This side reset a stream, with an error code other than NO_ERROR. */
        void (*on_reset_sent)(void *userdata, uint32_t error_code);

        /* This side ended the connection because of what the client did; `detail` ends with the call. */
        void (*on_abort_sent)(void *userdata, uint32_t error_code, const char *detail);

        /* Fills `room` bytes at most with what comes next of a response's body; sets *ret_is_end with its last ones. -EAGAIN: later,
         * after h2_framing_resume. Another error resets the stream. */
        ssize_t (*read_body)(void *userdata, void *stream, char *room, size_t size, bool *ret_is_end);

        /* Calls h2_framing_submit_trailers if there are any, at the end of a body. True when it did. */
        bool (*end_body)(void *userdata, void *stream, int32_t id);
};

struct block_pool;

struct h2_framing_options {
        const struct h2_events *events;
        void *userdata;
        struct block_pool *pool; /* what the connection keeps comes from there; it outlives the connection */
        uint32_t max_streams;    /* at a time */
        uint32_t max_head;       /* bytes, as SETTINGS_MAX_HEADER_LIST_SIZE counts them */
        uint32_t stream_window;  /* bytes that a stream may send before they are consumed */
};

/* -ENOMEM. */
int h2_framing_new(const struct h2_framing_options *options, struct h2_framing **ret_framing);

/* Takes NULL. Reports nothing more, not even on_close. */
void h2_framing_free(struct h2_framing *framing);

/* Takes bytes that came. 0; -EPROTO when the connection is over because of them (what h2_framing_write gives out last is the GOAWAY
 * that says so), -ENOMEM, or what an event returned. */
int h2_framing_read(struct h2_framing *framing, struct slice bytes);

/* What the client did wrong last, for people; NULL: nothing. Ends with the next call. */
const char *h2_framing_fault(const struct h2_framing *framing);

/* Appends frames to `out`. 1 when there is more than `out` had room for, 0 when nothing more is to be sent now, -ENOMEM. */
int h2_framing_write(struct h2_framing *framing, struct buffer *out);

/* Whether the last frame belongs to a head that has not come whole; also before the first frame. */
bool h2_framing_is_in_head(const struct h2_framing *framing);

/* Whether anything is to be written. */
bool h2_framing_wants_write(const struct h2_framing *framing);

/* Whether the connection has done all that it can: both sides have said GOAWAY, or one of them ended it. */
bool h2_framing_is_over(const struct h2_framing *framing);

/* Frames that wait to be written: what a client makes of them that reads nothing is to be bounded by the owner. */
size_t h2_framing_queue_length(const struct h2_framing *framing);

/* A response's field. Both views must live until the stream is closed. The name is in lower case. */
struct h2_field {
        struct slice name, value;
};

/* Any of these may be called from within an event. -ENOMEM, or -EINVAL for a stream that takes no such thing any more. */
int h2_framing_submit_informational(struct h2_framing *framing, int32_t id, const struct h2_field *fields,
                                    size_t count);
int h2_framing_submit_head(struct h2_framing *framing, int32_t id, const struct h2_field *fields, size_t count,
                           bool has_body);
int h2_framing_submit_trailers(struct h2_framing *framing, int32_t id, const struct h2_field *fields, size_t count);
int h2_framing_reset(struct h2_framing *framing, int32_t id, enum h2_error error_code);
int h2_framing_resume(struct h2_framing *framing, int32_t id);

/* Gives a part of the windows back, of the stream's and the connection's; of the latter alone where `id` is 0. */
int h2_framing_consume(struct h2_framing *framing, int32_t id, size_t length);

/* The stream may send this much ahead from now on, and the connection at least as much. */
int h2_framing_raise_window(struct h2_framing *framing, int32_t id, uint32_t window);

/* Whether the client lets a stream send, and the connection: its window is not used up. */
bool h2_framing_has_stream_window(struct h2_framing *framing, int32_t id);
bool h2_framing_has_connection_window(struct h2_framing *framing);

/* Says that no more streams should be opened; those that are under way may still come (RFC 9113 section 6.8). From within an event, too:
 * it only queues a frame. */
int h2_framing_announce_end(struct h2_framing *framing);

/* Later streams are ignored from now on; those that were begun go on. */
int h2_framing_end(struct h2_framing *framing);

/* Ends the connection with this error as soon as the GOAWAY is written. From within an event, too: what came with it is read on. */
int h2_framing_abort(struct h2_framing *framing, enum h2_error error_code);
