/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets that echo: by the first byte, the input is the fields of the opening handshake, or the frames that follow a right one, with
 * or without permessage-deflate. Whatever they are, the exchange ends with the connection, no buffer stays behind, and what the
 * server sends are frames without a mask and of whole length. The second byte says where the input is cut in two. */
#include "fuzz.h"
#include "h1_harness.h"

#define INPUT_MAX 65536
#define TURNS 6
#define END_TURNS_MAX 64

enum mode { MODE_HANDSHAKE, MODE_PLAIN, MODE_DEFLATE };

#define HANDSHAKE                                                                             \
        "GET /websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
        "Sec-WebSocket-Version: 13\r\n"

static void spin(struct harness *harness, unsigned turns) {
        for (unsigned i = 0; i < turns; i++)
                harness_spin(harness);
}

static void check_frames(const struct text *received) {
        const char *head_end = memmem(received->data, received->length, "\r\n\r\n", 4);
        require(head_end);
        const unsigned char *at = (const unsigned char *) head_end + 4,
                            *end = (const unsigned char *) received->data + received->length;
        while (end - at >= 2) {
                unsigned opcode = at[0] & 0x0f;
                uint64_t length = at[1] & 0x7f;
                size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
                require(!(at[1] & 0x80) && (opcode <= 2 || (opcode >= 8 && opcode <= 10)) && !(at[0] & 0x30));
                if ((size_t) (end - at) < 2 + extra)
                        break;
                if (extra > 0)
                        length = 0;
                for (size_t i = 0; i < extra; i++)
                        length = length << 8 | at[2 + i];
                require(opcode <= 2 || length <= 125);
                if ((uint64_t) (end - at) < 2 + extra + length)
                        break; /* the echo had not come whole yet */
                at += 2 + extra + length;
        }
}

static void begin(struct harness *harness, enum mode mode) {
        harness_connect(harness, false);
        harness_send_text(harness, HANDSHAKE);
        if (mode == MODE_DEFLATE)
                harness_send_text(harness, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
        if (mode != MODE_HANDSHAKE)
                harness_send_text(harness, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        spin(harness, TURNS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
        static struct harness *harness; /* one for all inputs: what one leaves behind shows with the next */
        if (length < 2 || length > INPUT_MAX)
                return 0;
        if (!harness)
                harness = harness_new();
        enum mode mode = (enum mode)(bytes[0] % 3);
        const char *data = (const char *) bytes + 2;
        size_t cut = (length - 2) * bytes[1] / 256;

        begin(harness, mode);
        if (cut > 0 && harness_offer(harness, data, cut))
                spin(harness, TURNS);
        if (length - 2 > cut)
                (void) harness_offer(harness, data + cut, length - 2 - cut);
        if (mode == MODE_HANDSHAKE)
                (void) harness_offer(harness, "\r\n\r\n", 4);
        spin(harness, TURNS);
        if (mode != MODE_HANDSHAKE)
                check_frames(harness_received(harness));

        harness_hang_up(harness);
        for (unsigned i = 0; i < END_TURNS_MAX && !harness_has_no_connection(harness); i++)
                harness_spin(harness);
        require(harness_has_no_connection(harness));
        require(harness_begun(harness) == harness_ended(harness));
        require(harness_worker(harness)->buffers.lent_count == 0);
        return 0;
}
