/* roles_table.h - what a right is called, and which role has it: the one place.
 *
 * RIGHT(NAME, bit)   what somebody may do; RIGHT_<NAME>
 * ROLE(NAME, "name", rights, "sentence")   the weakest first */
#ifdef RIGHT
RIGHT(READ, 1)      /* sees what happens; names and addresses masked */
RIGHT(PERSONAL, 2)  /* sees names, addresses and payloads as they are */
RIGHT(NOTE, 4)      /* writes notes on members */
RIGHT(OPERATE, 8)   /* retry, skip, resync, resend, pause, silence */
RIGHT(SETTINGS, 16) /* puts secrets in place */
RIGHT(ACCESS, 32)   /* grants and revokes access */
RIGHT(PEOPLE, 64)   /* people, API keys, others' sessions */
#endif
#ifdef ROLE
ROLE(VIEWER, "viewer", RIGHT_READ, "Sees how things are; names and addresses are masked.")
ROLE(SUPPORT, "support", RIGHT_READ | RIGHT_PERSONAL | RIGHT_NOTE, "Sees members and writes notes.")
ROLE(OPERATOR, "operator", RIGHT_READ | RIGHT_PERSONAL | RIGHT_NOTE | RIGHT_OPERATE | RIGHT_SETTINGS, "Keeps things running: retries, pauses, secrets.")
ROLE(OWNER, "owner", RIGHT_READ | RIGHT_PERSONAL | RIGHT_NOTE | RIGHT_OPERATE | RIGHT_SETTINGS | RIGHT_ACCESS | RIGHT_PEOPLE, "May do everything.")
#endif
