/* SPDX-License-Identifier: Apache-2.0 */
/* The account of an upload folder. Sums cannot wrap: each summand is a size of files, below 2^63, and few at a time. */
#include "server/upload/upload_account.h"

#include "shared/syscall.h"

void upload_account_init(struct upload_account *account) {
        *account = (struct upload_account) { 0 };
        (void) pthread_mutex_init(&account->mutex, NULL);
}

void upload_account_done(struct upload_account *account) {
        (void) pthread_mutex_destroy(&account->mutex);
}

static uint64_t all_bytes(const struct upload_account *account) {
        return account->stored + account->claimed + account->part_bytes;
}

static uint64_t all_files(const struct upload_account *account) {
        return account->stored_files + account->claimed_files + account->parts;
}

static int check_room(const struct upload_account *account, const struct config_upload *limits, uint64_t bytes,
                      uint64_t files, struct upload_fault *fault) {
        bool is_limited = limits->max_files > 0 || limits->max_total <= INT64_MAX;
        if (is_limited && !account->is_known)
                return upload_fault_set(fault, CAUSE_UPLOAD_COUNTING, NULL);
        uint64_t present = all_bytes(account);
        if (bytes > limits->max_total || present > limits->max_total - bytes)
                return upload_fault_set(fault, CAUSE_UPLOAD_FOLDER_FULL, "max_total is reached");
        if (limits->max_files > 0 && all_files(account) + files > (uint64_t) limits->max_files)
                return upload_fault_set(fault, CAUSE_UPLOAD_FOLDER_FULL, "max_files is reached");
        return 0;
}

static int check_turn(const struct upload_account *account, const struct config_upload *limits,
                      struct upload_fault *fault) {
        if (account->active >= (uint64_t) limits->max_active)
                return upload_fault_set(fault, CAUSE_UPLOAD_BUSY, "max_active is reached");
        return 0;
}

int upload_account_claim(struct upload_account *account, const struct config_upload *limits, uint64_t bytes,
                         struct upload_claim *ret_claim, struct upload_fault *fault) {
        pthread_mutex_lock(&account->mutex);
        int r = check_turn(account, limits, fault);
        if (r >= 0)
                r = check_room(account, limits, bytes, 1, fault);
        if (r >= 0) {
                account->active++;
                account->claimed += bytes;
                account->claimed_files++;
                *ret_claim = (struct upload_claim) { .is_active = true, .has_file = true, .bytes = bytes };
        }
        pthread_mutex_unlock(&account->mutex);
        return r;
}

int upload_account_claim_turn(struct upload_account *account, const struct config_upload *limits,
                              struct upload_claim *ret_claim, struct upload_fault *fault) {
        pthread_mutex_lock(&account->mutex);
        int r = check_turn(account, limits, fault);
        if (r >= 0) {
                account->active++;
                *ret_claim = (struct upload_claim) { .is_active = true };
        }
        pthread_mutex_unlock(&account->mutex);
        return r;
}

int upload_account_grow(struct upload_account *account, const struct config_upload *limits, struct upload_claim *claim,
                        uint64_t bytes, struct upload_fault *fault) {
        if (bytes <= claim->bytes)
                return 0;
        pthread_mutex_lock(&account->mutex);
        int r = check_room(account, limits, bytes - claim->bytes, 0, fault);
        if (r >= 0) {
                account->claimed += bytes - claim->bytes;
                claim->bytes = bytes;
        }
        pthread_mutex_unlock(&account->mutex);
        return r;
}

void upload_account_release(struct upload_account *account, struct upload_claim *claim) {
        pthread_mutex_lock(&account->mutex);
        account->active -= claim->is_active;
        account->claimed -= claim->bytes;
        account->claimed_files -= claim->has_file;
        pthread_mutex_unlock(&account->mutex);
        *claim = (struct upload_claim) { 0 };
}

void upload_account_store(struct upload_account *account, uint64_t bytes, int64_t replaced) {
        pthread_mutex_lock(&account->mutex);
        account->changes++;
        account->stored += bytes;
        account->stored_files++;
        if (replaced >= 0) {
                account->stored -= MIN_OF((uint64_t) replaced, account->stored);
                account->stored_files--;
        }
        pthread_mutex_unlock(&account->mutex);
}

int upload_account_add_folder(struct upload_account *account, const struct config_upload *limits,
                              struct upload_fault *fault) {
        pthread_mutex_lock(&account->mutex);
        int r = check_room(account, limits, 0, 1, fault);
        if (r >= 0) {
                account->changes++;
                account->stored_files++;
        }
        pthread_mutex_unlock(&account->mutex);
        return r;
}

/* Before the scan has come to its end nothing is known of the file either. */
void upload_account_remove(struct upload_account *account, uint64_t bytes) {
        pthread_mutex_lock(&account->mutex);
        account->changes++;
        account->stored -= MIN_OF(bytes, account->stored);
        account->stored_files -= account->stored_files > 0;
        pthread_mutex_unlock(&account->mutex);
}

int upload_account_add_part(struct upload_account *account, const struct config_upload *limits, uint64_t bytes,
                            struct upload_fault *fault) {
        pthread_mutex_lock(&account->mutex);
        int r = check_room(account, limits, bytes, 1, fault);
        if (r >= 0 && account->parts >= (uint64_t) limits->max_parts)
                r = upload_fault_set(fault, CAUSE_UPLOAD_FOLDER_FULL, "max_parts is reached");
        if (r >= 0) {
                account->part_changes++;
                account->parts++;
                account->part_bytes += bytes;
        }
        pthread_mutex_unlock(&account->mutex);
        return r;
}

void upload_account_remove_part(struct upload_account *account, uint64_t bytes) {
        pthread_mutex_lock(&account->mutex);
        account->part_changes++;
        account->parts -= account->parts > 0;
        account->part_bytes -= MIN_OF(bytes, account->part_bytes);
        pthread_mutex_unlock(&account->mutex);
}

bool upload_account_begin_copy(struct upload_account *account) {
        pthread_mutex_lock(&account->mutex);
        bool was_copying = account->is_copying;
        account->is_copying = true;
        pthread_mutex_unlock(&account->mutex);
        return !was_copying;
}

void upload_account_end_copy(struct upload_account *account) {
        pthread_mutex_lock(&account->mutex);
        account->is_copying = false;
        pthread_mutex_unlock(&account->mutex);
}

uint64_t upload_account_part_changes(struct upload_account *account) {
        pthread_mutex_lock(&account->mutex);
        uint64_t changes = account->part_changes;
        pthread_mutex_unlock(&account->mutex);
        return changes;
}

void upload_account_take_parts(struct upload_account *account, uint64_t changes, uint64_t parts, uint64_t bytes) {
        pthread_mutex_lock(&account->mutex);
        if (account->part_changes == changes) {
                account->parts = parts;
                account->part_bytes = bytes;
        }
        pthread_mutex_unlock(&account->mutex);
}

bool upload_account_is_known(struct upload_account *account) {
        pthread_mutex_lock(&account->mutex);
        bool is_known = account->is_known;
        pthread_mutex_unlock(&account->mutex);
        return is_known;
}

uint64_t upload_account_changes(struct upload_account *account) {
        pthread_mutex_lock(&account->mutex);
        uint64_t changes = account->changes;
        pthread_mutex_unlock(&account->mutex);
        return changes;
}

void upload_account_take_scan(struct upload_account *account, uint64_t changes, uint64_t bytes, uint64_t files) {
        pthread_mutex_lock(&account->mutex);
        if (!account->is_known || account->changes == changes) {
                account->stored = bytes;
                account->stored_files = files;
                account->is_known = true;
        }
        pthread_mutex_unlock(&account->mutex);
}

struct upload_figures upload_account_figures(struct upload_account *account) {
        pthread_mutex_lock(&account->mutex);
        struct upload_figures figures = { .bytes = account->stored,
                                          .files = account->stored_files,
                                          .active = account->active,
                                          .parts = account->parts };
        pthread_mutex_unlock(&account->mutex);
        return figures;
}
