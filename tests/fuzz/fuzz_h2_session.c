/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 through the whole session, on a worker with handlers of every kind: the client's frames follow the preface. Whatever they
 * are, what the server sends is HTTP/2, every exchange ends with the connection, and no buffer stays behind. The first byte says
 * where the input is cut in two, the second how the client reads. */
#include "fuzz.h"
#include "h1_harness.h"
#include "h2_client.h"

#define INPUT_MAX 65536
#define TURNS 4
#define END_TURNS_MAX 64

static void spin(struct harness *harness, unsigned turns) {
        for (unsigned i = 0; i < turns; i++)
                harness_spin(harness);
}

static void check_what_came(struct harness *harness) {
        struct h2_client_view view;
        h2_client_read(harness_received(harness), &view);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
        static struct harness *harness; /* one for all inputs: what one leaves behind shows with the next */
        if (length < 2 || length > INPUT_MAX)
                return 0;
        if (!harness)
                harness = harness_new();
        const char *data = (const char *) bytes + 2;
        size_t cut = (length - 2) * bytes[0] / 256;

        harness_connect(harness, bytes[1] & 1);
        harness_read(harness, !(bytes[1] & 2));
        harness_send_text(harness, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        if (cut > 0 && harness_offer(harness, data, cut))
                spin(harness, TURNS);
        if (length - 2 > cut)
                (void) harness_offer(harness, data + cut, length - 2 - cut);
        spin(harness, TURNS);
        harness_read(harness, true);
        spin(harness, TURNS);
        check_what_came(harness);

        harness_hang_up(harness);
        for (unsigned i = 0; i < END_TURNS_MAX && !harness_has_no_connection(harness); i++)
                harness_spin(harness);
        require(harness_has_no_connection(harness));
        require(harness_begun(harness) == harness_ended(harness));
        require(harness_worker(harness)->buffers.lent_count == 0);
        return 0;
}
