/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of HTTP/2 by libnghttp2, the only file that knows of it. Keeps two promises that the library leaves to its user:
 * nothing malformed passes silently, and bodies are written once, straight behind their frame header into the caller's buffer. */
#include "http/h2/h2_framing.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/block_pool.h"
#include "shared/syscall.h"

#define FRAME_HEADER_SIZE 9

/* A buffer with less room than this is to be sent before more is put into it. */
#define ROOM_MIN 1024

/* The largest payload, since nothing else was announced (RFC 9113 section 6.5.2). */
#define FRAME_MAX 16384

/* Frames that one head may be spread over; further ones are an attack (CVE-2024-28182). */
#define CONTINUATIONS_MAX 16

struct h2_framing {
        nghttp2_session *session;
        const struct h2_events *events;
        void *userdata;
        void *head_stream;    /* of the head or the trailers that are being received; the owner's part */
        struct buffer *out;   /* while h2_framing_write runs */
        struct slice pending; /* what the library gave out and `out` had no room for; its memory */
        size_t preface_left;  /* bytes that are still to come of the preface, */
        size_t frame_left;    /* and of the present frame */
        size_t header_length; /* of the next frame's header, as far as it came */
        unsigned char header[FRAME_HEADER_SIZE];
        int failed;           /* what an event returned, to be handed on */
        int32_t last_opened;  /* the highest stream so far; the library forgets those that are over */
        int32_t last_skipped; /* the highest of those below it that were never opened */
        int32_t last_reset; /* the highest that this side reset: the client may not have known yet when it sent more */
        bool is_head, is_head_end; /* the present frame is a part of a head, its last one */
        bool is_begun;             /* the first frame came */
        bool is_ended;             /* no stream is taken any more */
        bool is_full;              /* `out` is */
        char detail[96];           /* of the last error, "" before */
};

/* Keeps what an event returned and tells the library to stop. */
static int give_up(struct h2_framing *framing, int r) {
        framing->failed = r;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void note_fault(struct h2_framing *framing, enum h2_error error_code, const char *detail) {
        (void) snprintf(framing->detail, sizeof(framing->detail), "%s", detail);
        (void) nghttp2_session_terminate_session(framing->session, error_code);
}

static int end_for(struct h2_framing *framing, enum h2_error error_code, const char *detail) {
        note_fault(framing, error_code, detail);
        return give_up(framing, -EPROTO);
}

/* The library knows no such stream any more. */
static bool is_over(struct h2_framing *framing, int32_t id) {
        return id % 2 == 1 && id <= framing->last_opened && !nghttp2_session_find_stream(framing->session, id);
}

/* A frame as its header announces it. Checks what the library would let pass, and tells the owner. */
static int begin_frame(struct h2_framing *framing, const unsigned char header[FRAME_HEADER_SIZE]) {
        size_t length = (size_t) header[0] << 16 | (size_t) header[1] << 8 | header[2];
        unsigned type = header[3], flags = header[4];
        int32_t id = (int32_t) (((uint32_t) header[5] & 0x7f) << 24 | (uint32_t) header[6] << 16 |
                                (uint32_t) header[7] << 8 | header[8]);
        bool is_head = type == NGHTTP2_HEADERS, is_data = type == NGHTTP2_DATA;
        bool is_ignored = is_head && framing->is_ended && id > framing->last_opened;
        bool is_late = (is_head || is_data) && is_over(framing, id);
        framing->frame_left = length;
        framing->is_head = is_head || type == H2_FRAME_CONTINUATION;
        framing->is_head_end = flags & NGHTTP2_FLAG_END_HEADERS;
        if (!framing->is_begun && (type != NGHTTP2_SETTINGS || (flags & NGHTTP2_FLAG_ACK)))
                return end_for(framing, H2_PROTOCOL_ERROR, "the first frame is not SETTINGS (RFC 9113 section 3.4)");
        framing->is_begun = true;
        if (length > FRAME_MAX)
                return end_for(framing, H2_FRAME_SIZE_ERROR, "a frame is too large (RFC 9113 section 4.2)");
        if ((is_head || is_data) && (flags & NGHTTP2_FLAG_PADDED) && length == 0)
                return end_for(framing, H2_FRAME_SIZE_ERROR, "a padded frame is empty (RFC 9113 section 4.2)");
        if (type == NGHTTP2_PRIORITY && id == 0)
                return end_for(framing, H2_PROTOCOL_ERROR, "PRIORITY of stream 0 (RFC 9113 section 6.3)");
        if (is_late && id > framing->last_reset)
                return is_head && id <= framing->last_skipped
                                       ? end_for(framing, H2_PROTOCOL_ERROR,
                                                 "a stream below the last one (RFC 9113 section 5.1.1)")
                                       : end_for(framing, H2_STREAM_CLOSED,
                                                 "a frame on a stream that has ended (RFC 9113 section 5.1)");
        int r = framing->events->on_frame(framing->userdata, (enum h2_frame) type, flags, length,
                                          is_late || is_ignored);
        return r < 0 ? give_up(framing, r) : 0;
}

static void note_opened(struct h2_framing *framing, int32_t id) {
        if (id > framing->last_opened + 2)
                framing->last_skipped = id - 2;
        framing->last_opened = MAX_OF(framing->last_opened, id);
}

/* A stream that the library refuses, of which nothing else is heard. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int library_error, void *userdata) {
        struct h2_framing *framing = userdata;
        (void) session, (void) library_error;
        if (frame->hd.type == NGHTTP2_HEADERS && frame->hd.stream_id > framing->last_opened) {
                note_opened(framing, frame->hd.stream_id);
                framing->last_reset = frame->hd.stream_id;
        }
        return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *userdata) {
        struct h2_framing *framing = userdata;
        if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
                framing->head_stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
                return 0;
        }
        note_opened(framing, frame->hd.stream_id);
        void *stream = NULL;
        int r = framing->events->on_head_begin(framing->userdata, frame->hd.stream_id, &stream);
        if (r < 0)
                return give_up(framing, r);
        framing->head_stream = stream;
        (void) nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
        return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *userdata) {
        struct h2_framing *framing = userdata;
        (void) session, (void) frame, (void) flags;
        if (!framing->head_stream)
                return 0;
        int r = framing->events->on_field(framing->userdata, framing->head_stream,
                                          (struct slice) { (const char *) name, name_length },
                                          (struct slice) { (const char *) value, value_length });
        return r < 0 ? give_up(framing, r) : 0;
}

/* The library would leave the field out and go on. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                             void *userdata) {
        (void) session, (void) frame, (void) name, (void) name_length, (void) value, (void) value_length, (void) flags;
        (void) userdata;
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* a stream error of type PROTOCOL_ERROR */
}

static int on_headers_received(struct h2_framing *framing, const nghttp2_frame *frame, void *stream) {
        bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
                return framing->events->on_head_end(framing->userdata, stream, is_end);
        int r = framing->events->on_trailers_end(framing->userdata, stream);
        return r >= 0 && is_end ? framing->events->on_end(framing->userdata, stream) : r;
}

static int on_frame_received(nghttp2_session *session, const nghttp2_frame *frame, void *userdata) {
        struct h2_framing *framing = userdata;
        if (frame->hd.type == NGHTTP2_PRIORITY_UPDATE &&
            ((nghttp2_ext_priority_update *) frame->ext.payload)->stream_id == 0)
                return end_for(framing, H2_PROTOCOL_ERROR, "PRIORITY_UPDATE of stream 0 (RFC 9218 section 7.1)");
        if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
                return 0;
        void *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (!stream)
                return 0;
        int r = 0;
        if (frame->hd.type == NGHTTP2_HEADERS)
                r = on_headers_received(framing, frame, stream);
        else if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
                r = framing->events->on_end(framing->userdata, stream);
        return r < 0 ? give_up(framing, r) : 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t length,
                         void *userdata) {
        struct h2_framing *framing = userdata;
        (void) flags;
        void *stream = nghttp2_session_get_stream_user_data(session, id);
        if (!stream)
                return nghttp2_session_consume(session, id, length);
        int r = framing->events->on_data(framing->userdata, stream, (struct slice) { (const char *) data, length });
        return r < 0 ? give_up(framing, r) : 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *userdata) {
        struct h2_framing *framing = userdata;
        void *stream = nghttp2_session_get_stream_user_data(session, id);
        if (!stream)
                return 0;
        if (framing->head_stream == stream)
                framing->head_stream = NULL;
        (void) nghttp2_session_set_stream_user_data(session, id, NULL);
        framing->events->on_close(framing->userdata, stream, error_code);
        return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *userdata) {
        struct h2_framing *framing = userdata;
        (void) session;
        if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
                /* The library has put there what it found. */
                if (!framing->detail[0])
                        (void) snprintf(framing->detail, sizeof(framing->detail), "%.*s",
                                        (int) frame->goaway.opaque_data_len, (const char *) frame->goaway.opaque_data);
                framing->events->on_abort_sent(framing->userdata, frame->goaway.error_code, framing->detail);
        }
        if (frame->hd.type != NGHTTP2_RST_STREAM)
                return 0;
        uint32_t error_code = frame->rst_stream.error_code;
        framing->last_reset = MAX_OF(framing->last_reset, frame->hd.stream_id);
        /* New settings that overflow a window end the connection (RFC 9113 section 6.9.2); the library resets the stream alone. */
        if (error_code == NGHTTP2_FLOW_CONTROL_ERROR)
                note_fault(framing, H2_FLOW_CONTROL_ERROR, "a flow-control window is exceeded (RFC 9113 section 6.9)");
        /* An INTERNAL_ERROR is our own failure, a file that shrank or a disk: the client has not provoked it. */
        if (error_code != NGHTTP2_NO_ERROR && error_code != NGHTTP2_INTERNAL_ERROR)
                framing->events->on_reset_sent(framing->userdata, error_code);
        return 0;
}

/* The library's own room for the payload is left alone: it is written where it will be sent from, and send_data puts the frame's
 * header before it. */
static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *library_room, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *userdata) {
        struct h2_framing *framing = userdata;
        struct buffer *out = framing->out;
        void *stream = nghttp2_session_get_stream_user_data(session, id);
        (void) library_room, (void) source;
        if (!stream)
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        if (buffer_room(out) < ROOM_MIN) {
                framing->is_full = true;
                return NGHTTP2_ERR_PAUSE;
        }
        bool is_end = false;
        size_t room = MIN_OF(size, buffer_room(out) - FRAME_HEADER_SIZE);
        ssize_t n = framing->events->read_body(framing->userdata, stream, out->data + out->end + FRAME_HEADER_SIZE,
                                               room, &is_end);
        if (n == -EAGAIN)
                return NGHTTP2_ERR_DEFERRED;
        if (n < 0)
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        if (is_end) {
                *flags |= NGHTTP2_DATA_FLAG_EOF;
                if (framing->events->end_body(framing->userdata, stream, id))
                        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        }
        return n;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *header, size_t length,
                     nghttp2_data_source *source, void *userdata) {
        struct h2_framing *framing = userdata;
        struct buffer *out = framing->out;
        (void) session, (void) frame, (void) source;
        memcpy(out->data + out->end, header, FRAME_HEADER_SIZE);
        out->end += (uint32_t) (FRAME_HEADER_SIZE + length);
        return 0;
}

/* What the library finds wrong, in its words. */
static int on_error(nghttp2_session *session, int code, const char *message, size_t length, void *userdata) {
        struct h2_framing *framing = userdata;
        (void) session, (void) code;
        (void) snprintf(framing->detail, sizeof(framing->detail), "%.*s", (int) length, message);
        return 0;
}

static int make_callbacks(nghttp2_session_callbacks **ret_callbacks) {
        nghttp2_session_callbacks *callbacks;
        if (nghttp2_session_callbacks_new(&callbacks) != 0)
                return -ENOMEM;
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_received);
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
        nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
        nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);
        *ret_callbacks = callbacks;
        return 0;
}

static void *pool_malloc(size_t size, void *userdata) {
        return block_pool_alloc(userdata, size);
}

static void pool_free(void *memory, void *userdata) {
        block_pool_free(userdata, memory);
}

static void *pool_calloc(size_t count, size_t size, void *userdata) {
        size_t bytes;
        void *memory = __builtin_mul_overflow(count, size, &bytes) ? NULL : block_pool_alloc(userdata, bytes);
        return memory ? memset(memory, 0, bytes) : NULL;
}

static void *pool_realloc(void *memory, size_t size, void *userdata) {
        return block_pool_resize(userdata, memory, size);
}

static int make_session(struct h2_framing *framing, struct block_pool *pool) {
        nghttp2_session_callbacks *callbacks;
        nghttp2_option *option;
        int r = make_callbacks(&callbacks);
        if (r < 0)
                return r;
        if (nghttp2_option_new(&option) != 0) {
                nghttp2_session_callbacks_del(callbacks);
                return -ENOMEM;
        }
        /* Windows open as bodies are consumed, which is the back-pressure. */
        nghttp2_option_set_no_auto_window_update(option, 1);
        /* Nothing is kept of closed streams: RFC 7540's tree of priorities is not served. */
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
        nghttp2_option_set_max_continuations(option, CONTINUATIONS_MAX);
        nghttp2_mem memory = { pool, pool_malloc, pool_free, pool_calloc, pool_realloc };
        r = nghttp2_session_server_new3(&framing->session, callbacks, framing, option, &memory);
        nghttp2_option_del(option);
        nghttp2_session_callbacks_del(callbacks);
        return r == 0 ? 0 : -ENOMEM;
}

int h2_framing_new(const struct h2_framing_options *options, struct h2_framing **ret_framing) {
        struct h2_framing *framing = calloc(1, sizeof(*framing));
        if (!framing)
                return -ENOMEM;
        framing->events = options->events;
        framing->userdata = options->userdata;
        framing->preface_left = NGHTTP2_CLIENT_MAGIC_LEN;
        int r = make_session(framing, options->pool);
        if (r < 0) {
                h2_framing_free(framing);
                return r;
        }
        const nghttp2_settings_entry settings[] = {
                { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->max_streams },
                { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options->stream_window },
                { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options->max_head },
                { NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
                { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
        };
        if (nghttp2_submit_settings(framing->session, NGHTTP2_FLAG_NONE, settings, ELEMENTS_OF(settings)) != 0) {
                h2_framing_free(framing);
                return -ENOMEM;
        }
        *ret_framing = framing;
        return 0;
}

void h2_framing_free(struct h2_framing *framing) {
        if (!framing)
                return;
        nghttp2_session_del(framing->session);
        free(framing);
}

static int error_of(int library_error) {
        switch (library_error) {
        case 0:
                return 0;
        case NGHTTP2_ERR_NOMEM:
                return -ENOMEM;
        case NGHTTP2_ERR_INVALID_ARGUMENT:
        case NGHTTP2_ERR_INVALID_STATE:
        case NGHTTP2_ERR_STREAM_CLOSED:
        case NGHTTP2_ERR_DATA_EXIST:
                return -EINVAL;
        default:
                return -EPROTO;
        }
}

/* Hands the library the first `length` bytes. */
static int feed(struct h2_framing *framing, struct slice *bytes, size_t length) {
        ssize_t n = nghttp2_session_mem_recv(framing->session, (const uint8_t *) bytes->data, length);
        *bytes = slice_from(*bytes, length);
        if (framing->failed < 0)
                return framing->failed;
        return n < 0 ? error_of((int) n) : 0;
}

/* Takes what `bytes` has of a frame's header that comes in pieces. */
static int gather_header(struct h2_framing *framing, struct slice *bytes) {
        size_t length = MIN_OF(FRAME_HEADER_SIZE - framing->header_length, bytes->length);
        memcpy(framing->header + framing->header_length, bytes->data, length);
        framing->header_length += length;
        *bytes = slice_from(*bytes, length);
        if (framing->header_length < FRAME_HEADER_SIZE)
                return 0;
        framing->header_length = 0;
        int r = begin_frame(framing, framing->header);
        struct slice header = { (const char *) framing->header, FRAME_HEADER_SIZE };
        return r == 0 ? feed(framing, &header, FRAME_HEADER_SIZE) : r;
}

/* The library is given one frame at a time, and none that was not looked at: it passes over some without a word. */
static int read_frames(struct h2_framing *framing, struct slice *bytes) {
        int r = 0;
        while (r == 0 && bytes->length > 0) {
                size_t header_length = 0;
                if (framing->frame_left == 0 && (framing->header_length > 0 || bytes->length < FRAME_HEADER_SIZE)) {
                        r = gather_header(framing, bytes);
                        continue;
                }
                if (framing->frame_left == 0) {
                        header_length = FRAME_HEADER_SIZE;
                        r = begin_frame(framing, (const unsigned char *) bytes->data);
                }
                if (r == 0) {
                        size_t length = MIN_OF(framing->frame_left, bytes->length - header_length);
                        framing->frame_left -= length;
                        r = feed(framing, bytes, header_length + length);
                }
        }
        return r;
}

int h2_framing_read(struct h2_framing *framing, struct slice bytes) {
        int r = 0;
        framing->failed = 0;
        if (framing->preface_left > 0) {
                size_t length = MIN_OF(framing->preface_left, bytes.length);
                framing->preface_left -= length;
                r = feed(framing, &bytes, length);
        }
        if (r == 0)
                r = read_frames(framing, &bytes);
        return framing->failed < 0 ? framing->failed : r;
}

const char *h2_framing_fault(const struct h2_framing *framing) {
        return framing->detail[0] ? framing->detail : NULL;
}

int h2_framing_write(struct h2_framing *framing, struct buffer *out) {
        framing->out = out;
        framing->is_full = false;
        framing->failed = 0;
        int r = 1;
        for (;;) {
                size_t length = MIN_OF(framing->pending.length, buffer_room(out));
                if (length > 0)
                        memcpy(out->data + out->end, framing->pending.data, length);
                out->end += (uint32_t) length;
                framing->pending = slice_from(framing->pending, length);
                if (framing->pending.length > 0 || framing->is_full || buffer_room(out) < ROOM_MIN)
                        break;
                const uint8_t *data;
                ssize_t n = nghttp2_session_mem_send(framing->session, &data);
                if (n < 0) {
                        r = framing->failed < 0 ? framing->failed : error_of((int) n);
                        break;
                }
                if (n == 0 && !framing->is_full) {
                        r = 0;
                        break;
                }
                framing->pending = (struct slice) { (const char *) data, (size_t) n };
        }
        framing->out = NULL;
        return r;
}

bool h2_framing_is_in_head(const struct h2_framing *framing) {
        return !framing->is_begun || (framing->is_head && (framing->frame_left > 0 || !framing->is_head_end));
}

bool h2_framing_wants_write(const struct h2_framing *framing) {
        return framing->pending.length > 0 || nghttp2_session_want_write(framing->session);
}

bool h2_framing_is_over(const struct h2_framing *framing) {
        return framing->pending.length == 0 && !nghttp2_session_want_read(framing->session) &&
               !nghttp2_session_want_write(framing->session);
}

size_t h2_framing_queue_length(const struct h2_framing *framing) {
        return nghttp2_session_get_outbound_queue_size(framing->session);
}

/* The library's form of a list of fields, in `room` where it is large enough, else from malloc. */
#define FIELDS_IN_PLACE 64
static nghttp2_nv *convert(const struct h2_field *fields, size_t count, nghttp2_nv *room) {
        nghttp2_nv *list = count <= FIELDS_IN_PLACE ? room : malloc(count * sizeof(*list));
        if (!list)
                return NULL;
        for (size_t i = 0; i < count; i++)
                list[i] = (nghttp2_nv) {
                        .name = (uint8_t *) fields[i].name.data,
                        .value = (uint8_t *) fields[i].value.data,
                        .namelen = fields[i].name.length,
                        .valuelen = fields[i].value.length,
                        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE,
                };
        return list;
}

enum submission { SUBMIT_INFORMATIONAL, SUBMIT_HEAD, SUBMIT_HEAD_AND_BODY, SUBMIT_TRAILERS };

static int submit(struct h2_framing *framing, int32_t id, const struct h2_field *fields, size_t count,
                  enum submission what) {
        static const nghttp2_data_provider provider = { .read_callback = read_data };
        nghttp2_nv room[FIELDS_IN_PLACE] __attribute__((uninitialized)); /* clearing it costs more than filling it */
        nghttp2_nv *list = convert(fields, count, room);
        if (!list)
                return -ENOMEM;
        int r;
        if (what == SUBMIT_INFORMATIONAL)
                r = nghttp2_submit_headers(framing->session, NGHTTP2_FLAG_NONE, id, NULL, list, count, NULL);
        else if (what == SUBMIT_TRAILERS)
                r = nghttp2_submit_trailer(framing->session, id, list, count);
        else
                r = nghttp2_submit_response(framing->session, id, list, count,
                                            what == SUBMIT_HEAD_AND_BODY ? &provider : NULL);
        if (list != room)
                free(list);
        return error_of(r);
}

int h2_framing_submit_informational(struct h2_framing *framing, int32_t id, const struct h2_field *fields,
                                    size_t count) {
        return submit(framing, id, fields, count, SUBMIT_INFORMATIONAL);
}

int h2_framing_submit_head(struct h2_framing *framing, int32_t id, const struct h2_field *fields, size_t count,
                           bool has_body) {
        return submit(framing, id, fields, count, has_body ? SUBMIT_HEAD_AND_BODY : SUBMIT_HEAD);
}

int h2_framing_submit_trailers(struct h2_framing *framing, int32_t id, const struct h2_field *fields, size_t count) {
        return submit(framing, id, fields, count, SUBMIT_TRAILERS);
}

int h2_framing_reset(struct h2_framing *framing, int32_t id, enum h2_error error_code) {
        return error_of(nghttp2_submit_rst_stream(framing->session, NGHTTP2_FLAG_NONE, id, error_code));
}

int h2_framing_resume(struct h2_framing *framing, int32_t id) {
        return error_of(nghttp2_session_resume_data(framing->session, id));
}

int h2_framing_consume(struct h2_framing *framing, int32_t id, size_t length) {
        return error_of(id == 0 ? nghttp2_session_consume_connection(framing->session, length)
                                : nghttp2_session_consume(framing->session, id, length));
}

int h2_framing_raise_window(struct h2_framing *framing, int32_t id, uint32_t window) {
        nghttp2_session *session = framing->session;
        const int32_t ids[] = { 0, id };
        for (size_t i = 0; i < ELEMENTS_OF(ids); i++) {
                int32_t now = ids[i] == 0 ? nghttp2_session_get_effective_local_window_size(session)
                                          : nghttp2_session_get_stream_effective_local_window_size(session, id);
                if (now < 0 || (uint32_t) now >= window)
                        continue;
                int r = nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, ids[i], (int32_t) window);
                if (r != 0)
                        return error_of(r);
        }
        return 0;
}

bool h2_framing_has_stream_window(struct h2_framing *framing, int32_t id) {
        return nghttp2_session_get_stream_remote_window_size(framing->session, id) > 0;
}

bool h2_framing_has_connection_window(struct h2_framing *framing) {
        return nghttp2_session_get_remote_window_size(framing->session) > 0;
}

int h2_framing_announce_end(struct h2_framing *framing) {
        return error_of(nghttp2_submit_shutdown_notice(framing->session));
}

int h2_framing_end(struct h2_framing *framing) {
        framing->is_ended = true;
        return error_of(nghttp2_submit_goaway(framing->session, NGHTTP2_FLAG_NONE,
                                              nghttp2_session_get_last_proc_stream_id(framing->session),
                                              NGHTTP2_NO_ERROR, NULL, 0));
}

int h2_framing_abort(struct h2_framing *framing, enum h2_error error_code) {
        return error_of(nghttp2_session_terminate_session(framing->session, error_code));
}
