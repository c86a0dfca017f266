/* SPDX-License-Identifier: Apache-2.0 */
/* The cost of frames, as leaking buckets. A frame that carries a request or a part of a body costs nothing here: those have
 * their own limits. */
#include "http/h2/h2_accounts.h"

/* Seconds' worth of frames that may come at once. */
#define BURST (H2_BURST_MSEC / 1000)

/* One frame, in the unit of a level. */
#define FRAME 1000

/* CONTINUATION frames of one head; what max_head allows fits into one. */
#define CONTINUATIONS_MAX 8

/* A frame up to this size may be padding alone. */
#define PADDING_MAX 256

/* A request of the client's earns it this many frames about windows, priorities and round trips. */
#define REQUEST_EARNS 4

static bool charge(struct h2_account *account, uint64_t now, uint64_t rate) {
        uint64_t leaked = (now - account->at) * rate;
        account->level = account->level > leaked ? account->level - leaked : 0;
        account->at = now;
        account->level += FRAME;
        return account->level <= rate * FRAME * BURST;
}

/* All of the burst but the last second's worth. */
static void spend(struct h2_account *account, uint64_t now, uint64_t rate) {
        *account = (struct h2_account) { .level = rate * FRAME * (BURST - 1), .at = now };
}

void h2_accounts_spend_burst(struct h2_accounts *accounts, const struct config_http2 *limits, uint64_t now) {
        spend(&accounts->resets, now, (uint64_t) limits->max_resets);
        spend(&accounts->control, now, (uint64_t) limits->max_control_frames);
}

static const char *charge_control(struct h2_accounts *accounts, const struct config_http2 *limits, uint64_t now,
                                  const char *what) {
        return charge(&accounts->control, now, (uint64_t) limits->max_control_frames) ? NULL : what;
}

static const char *charge_beyond_earned(struct h2_accounts *accounts, const struct config_http2 *limits, uint64_t now,
                                        const char *what) {
        if (accounts->earned == 0)
                return charge_control(accounts, limits, now, what);
        accounts->earned--;
        return NULL;
}

const char *h2_accounts_reset(struct h2_accounts *accounts, const struct config_http2 *limits, uint64_t now) {
        return charge(&accounts->resets, now, (uint64_t) limits->max_resets) ? NULL
                                                                             : "a flood of streams that are reset";
}

const char *h2_accounts_frame(struct h2_accounts *accounts, const struct config_http2 *limits, uint64_t now,
                              enum h2_frame type, unsigned flags, size_t length, bool is_late) {
        switch (type) {
        case H2_FRAME_HEADERS:
                accounts->continuations = 0;
                if (is_late)
                        return charge_control(accounts, limits, now, "a flood of heads that are dropped");
                if (accounts->earned < H2_EARNED_MAX)
                        accounts->earned += REQUEST_EARNS;
                return NULL;
        case H2_FRAME_CONTINUATION:
                return ++accounts->continuations <= CONTINUATIONS_MAX ? NULL : "a head in too many CONTINUATION frames";
        case H2_FRAME_DATA:
                if (flags & H2_FLAG_END_STREAM)
                        return NULL;
                if (length > ((flags & H2_FLAG_PADDED) ? PADDING_MAX : 0))
                        return NULL;
                return charge_control(accounts, limits, now, "a flood of empty DATA frames");
        case H2_FRAME_RST_STREAM:
                return h2_accounts_reset(accounts, limits, now);
        case H2_FRAME_WINDOW_UPDATE:
                return charge_beyond_earned(accounts, limits, now, "a flood of WINDOW_UPDATE frames");
        case H2_FRAME_SETTINGS:
                return charge_control(accounts, limits, now, "a flood of SETTINGS frames");
        case H2_FRAME_PING:
                return charge_beyond_earned(accounts, limits, now, "a flood of PING frames");
        case H2_FRAME_PRIORITY:
        case H2_FRAME_PRIORITY_UPDATE:
                return charge_beyond_earned(accounts, limits, now, "a flood of priorities");
        default:
                return charge_control(accounts, limits, now, "a flood of frames of an unknown type");
        }
}
