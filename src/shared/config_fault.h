/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "shared/config_tree.h"
#include "shared/error.h"
#include "shared/text.h"

/*
 * What is wrong with a configuration, a line for each fault with its place in front. The first CONFIG_FAULTS_SHOWN are
 * kept, the others counted.
 */
#define CONFIG_FAULTS_SHOWN 10
#define CONFIG_FAULTS_MORE "and %u more" /* the line at the end that counts the others */

struct config_faults {
        struct text text;
        unsigned count;
};

#define CONFIG_FAULTS_INIT ((struct config_faults) { 0 })

void config_faults_done(struct config_faults *faults);
#define _cleanup_config_faults_ _cleanup_(config_faults_done)

/* `origin` may be NULL: the line then has no place. */
void config_faults_add(struct config_faults *faults, const struct config_origin *origin, const char *format, ...)
                __attribute__((format(printf, 3, 4)));

/* 0 when there was no fault; otherwise -EINVAL, and `error` has the lines; -ENOMEM. */
int config_faults_report(const struct config_faults *faults, struct error *error);

/* What somebody wrote, fit for a message: cut at 48 bytes, line breaks as spaces. Returns `buffer`. */
#define CONFIG_EXCERPT_SIZE 56
const char *config_excerpt(char buffer[CONFIG_EXCERPT_SIZE], const char *string);
