/* people.h - who may sign in to the console, as what, and how they prove it.
 *
 * Use        The first owner comes by a one-time link (people_first_link), everybody else by one that
 *            an owner makes (people_add). Whoever opens a link sets a password (people_redeem), and
 *            from then on signs in (people_sign_in).
 * Promise    There is always an owner, once there was one. A link counts once, for a week. A new link
 *            for a person ends the old password, links and sessions. Why a sign-in fails is told to
 *            nobody, and takes as long for who does not exist.
 * Ownership  Tokens are shown once: only their hashes are kept (vault.h).
 * Threads    One. Time is the caller's. */
#ifndef USHER_PEOPLE_H
#define USHER_PEOPLE_H

#include "passwords.h"
#include "roles.h"
#include "totp.h"
#include "vault.h"

enum {
    PEOPLE_NAME_BYTES_MAX = 32,
    PEOPLE_TOKEN_CHARS = VAULT_TOKEN_CHARS,
    PEOPLE_LINK_MS = 7 * 24 * 3600 * 1000,
    PEOPLE_MAX = 200
};

struct person {
    char name[PEOPLE_NAME_BYTES_MAX + 1];
    enum role role;
    bool totp;    /* two-step sign-in is on */
    bool invited; /* has no password yet */
};

/* 1 to 32 of a-z, 0-9, _ and -. */
bool people_name_is_good(const char *name);
enum fault people_find(struct vault *vault, const char *name, struct person *person) NODISCARD;
/* [{name, role, totp, invited, created_at, last_seen}] (a new tree). */
json_t *people_list(struct vault *vault);
bool people_is_last_owner(struct vault *vault, const char *name);

/* --- changed by an owner ----------------------------------------------------------------------- */

/* CONFLICT: the name is taken. FULL: PEOPLE_MAX. */
enum fault people_add(struct vault *vault, const char *name, enum role role, int64_t now_ms,
                      char token[PEOPLE_TOKEN_CHARS + 1]) NODISCARD;
enum fault people_invite(struct vault *vault, const char *name, int64_t now_ms,
                         char token[PEOPLE_TOKEN_CHARS + 1]) NODISCARD;
/* The same for whoever has the keys of the home, who may read it anyway: also for the only owner, who has
 * lost the password or the phone. */
enum fault people_rescue(struct vault *vault, const char *name, int64_t now_ms,
                         char token[PEOPLE_TOKEN_CHARS + 1]) NODISCARD;
/* CONFLICT: the only owner. Their sessions go on, with the new rights. */
enum fault people_set_role(struct vault *vault, const char *name, enum role role) NODISCARD;
enum fault people_remove(struct vault *vault, const char *name) NODISCARD;

/* --- links ------------------------------------------------------------------------------------- */

/* A fresh link for the first owner; earlier ones end. CONFLICT: there is an owner. */
enum fault people_first_link(struct vault *vault, int64_t now_ms,
                             char token[PEOPLE_TOKEN_CHARS + 1]) NODISCARD;

struct invitation {
    char name[PEOPLE_NAME_BYTES_MAX + 1]; /* "": the first owner, who chooses it */
    bool first;
};

enum fault people_invitation(struct vault *vault, const char *token, int64_t now_ms,
                             struct invitation *invitation) NODISCARD;
/* `name` counts for the first owner only. With a fault *why says what to change, for people. */
enum fault people_redeem(struct vault *vault, const char *token, const char *name,
                         const char *password, int64_t now_ms, struct invitation *invitation,
                         const char **why) NODISCARD;

/* --- signing in -------------------------------------------------------------------------------- */

struct sign_in {
    const char *name;
    const char *password;
    const char *code; /* "": none was given */
    const char *address;
};

enum sign_in_word { SIGN_IN_FINE, SIGN_IN_WRONG, SIGN_IN_CODE, SIGN_IN_WAIT };

/* CODE: the password is right, and a code is needed. WAIT: not looked at; *wait_s until it will be. */
enum sign_in_word people_sign_in(struct vault *vault, const struct sign_in *said, int64_t now_ms,
                                 int *wait_s);

/* --- one's own --------------------------------------------------------------------------------- */

/* DENIED, with *wait_s when it was not even looked at. */
enum fault people_check_password(struct vault *vault, const char *name, const char *password,
                                 const char *address, int64_t now_ms, int *wait_s) NODISCARD;
enum fault people_set_password(struct vault *vault, const char *name,
                               const char *password) NODISCARD;

/* A secret to be confirmed; *uri is the caller's. CONFLICT: it is on. */
enum fault people_totp_start(struct vault *vault, const char *name,
                             char secret[TOTP_SECRET_CHARS + 1], char **uri) NODISCARD;
/* DENIED: not the code. */
enum fault people_totp_confirm(struct vault *vault, const char *name, const char *code,
                               const char *address, int64_t now_ms) NODISCARD;
enum fault people_totp_remove(struct vault *vault, const char *name, const char *code,
                              const char *address, int64_t now_ms) NODISCARD;

#endif
